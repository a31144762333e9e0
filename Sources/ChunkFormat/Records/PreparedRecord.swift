/// A record that is hashed and compressed, ready for a pack.
package struct PreparedRecord: Sendable {
  package let type: RecordType
  package let id: ContentID
  package let plainBytes: Int
  package let codec: Codec
  /// The base of a delta; nil for any other codec.
  package let base: ContentID?
  let checksum: Checksum
  let payload: [UInt8]

  /// Length of the payload alone, for comparing ways to store the same content.
  package var payloadBytes: Int { payload.count }

  /// Prepares `plaintext` on its own, with the method of `compressor`.
  ///
  /// - Parameters:
  ///   - plaintext: the content of the record.
  ///   - id: the id of the plaintext.
  ///   - type: the kind of content.
  ///   - compressor: decides whether the content is stored compressed or raw.
  package init(
    standalone plaintext: UnsafeRawBufferPointer, id: ContentID, type: RecordType,
    compressor: Compressor
  ) throws(FormatError) {
    let (codec, payload) = try compressor.compress(plaintext)
    self.init(plaintext, id: id, type: type, codec: codec, base: nil, payload: payload)
  }

  /// Prepares `plaintext` as the difference from `baseContent`, which is the plaintext of the
  /// record `base`. That record must not be a delta.
  ///
  /// - Returns: nil if the difference is not smaller than the plaintext.
  package init?(
    deltaOf plaintext: UnsafeRawBufferPointer, id: ContentID, type: RecordType, base: ContentID,
    baseContent: UnsafeRawBufferPointer, compressor: Compressor
  ) throws(FormatError) {
    let payload = try compressor.delta(plaintext, from: baseContent)
    guard payload.count < plaintext.count else { return nil }
    self.init(plaintext, id: id, type: type, codec: .delta, base: base, payload: payload)
  }

  /// A record whose payload is already encoded with `codec`.
  init(
    _ plaintext: UnsafeRawBufferPointer, id: ContentID, type: RecordType, codec: Codec,
    base: ContentID?, payload: [UInt8]
  ) {
    self.type = type
    self.id = id
    self.plainBytes = plaintext.count
    self.codec = codec
    self.base = base
    self.checksum = Checksum(of: plaintext)
    self.payload = payload
  }

  /// Bytes that the record takes in a pack, its header included.
  package func packedBytes(sealing: Sealing) -> Int {
    RecordHeader.lengthBytes + RecordLayout(codec: codec, sealing: sealing).overheadBytes
      + payload.count
  }
}
