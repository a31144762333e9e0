import NIOCore

/// The payload of BLOCK_STATUS, with which a client asks about some of its contexts (proto.md,
/// "Request types", extended headers).
///
/// ```
/// u64 length | count × u32 context
/// ```
struct StatusChoice: Equatable {
  private static let lengthFieldBytes: UInt64 = 8
  private static let idBytes: UInt64 = 4

  /// The length of the range in the export.
  let lengthBytes: UInt64
  /// The ids in the client's order. May contain duplicates.
  let ids: [UInt32]

  /// Whether a payload of this length can name at least one context, and at most all of them once.
  static func isPossible(lengthBytes: UInt64, contexts: Int) -> Bool {
    let most = lengthFieldBytes + UInt64(contexts) * idBytes
    return lengthBytes > lengthFieldBytes && lengthBytes <= most
      && (lengthBytes - lengthFieldBytes).isMultiple(of: idBytes)
  }

  /// Decodes the payload.
  ///
  /// - Precondition: ``isPossible(lengthBytes:contexts:)`` is true for the length of the data.
  init(decoding data: consuming ByteBuffer) {
    lengthBytes = data.readInteger() ?? 0
    var ids: [UInt32] = []
    while let id = data.readInteger(as: UInt32.self) { ids.append(id) }
    self.ids = ids
  }
}
