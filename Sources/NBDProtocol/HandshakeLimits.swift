/// What a client may use before it enters an export. Past any of these the connection is dropped.
package struct HandshakeLimits: Sendable {
  /// Options, of whatever kind.
  package var options = 256
  /// Bytes of all options together.
  package var bytes = 1 << 20
  /// The longest data of a known option that is looked at; longer data is skipped and refused.
  package var optionBytes = 64 << 10
  /// Options more for each export that LIST named: clients such as `qemu-nbd --list` then ask
  /// about every one of them.
  package var optionsPerListedExport = 4
  /// Bytes more for each export that LIST named.
  package var bytesPerListedExport = 4 << 10

  package init() {}
}

/// What a client has used of its ``HandshakeLimits``.
struct HandshakeBudget {
  private let limits: HandshakeLimits
  private(set) var options = 0
  private var bytes = 0
  private var listedExports = 0

  init(_ limits: HandshakeLimits) { self.limits = limits }

  /// - Returns: false when the option is one too many.
  mutating func spend(optionOf lengthBytes: UInt32) -> Bool {
    options += 1
    bytes += Int(lengthBytes) + OptionHeader.wireBytes
    return options <= limits.options + listedExports * limits.optionsPerListedExport
      && bytes <= limits.bytes + listedExports * limits.bytesPerListedExport
  }

  mutating func allow(forListed exports: Int) { listedExports = max(listedExports, exports) }
}

/// An option without its data.
///
/// ```
/// u64 IHAVEOPT | u32 option | u32 length
/// ```
struct OptionHeader {
  static let wireBytes = 16

  var code: OptionCode
  var lengthBytes: UInt32
}
