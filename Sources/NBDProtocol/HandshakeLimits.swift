/// What a client may use before it opens an export. A client that exceeds a limit is disconnected.
package struct HandshakeLimits: Sendable {
  /// The number of options, known and unknown.
  package var options = 256
  /// The total size of all options, in bytes.
  package var bytes = 1 << 20
  /// The longest data that the server reads for a known option. It skips longer data and refuses
  /// the option.
  package var optionBytes = 64 << 10
  /// Additional options for each export in the answer to LIST. Clients such as `qemu-nbd --list`
  /// ask about every listed export.
  package var optionsPerListedExport = 4
  /// Additional bytes for each export in the answer to LIST.
  package var bytesPerListedExport = 4 << 10

  package init() {}
}

/// How much of its ``HandshakeLimits`` a client has used.
struct HandshakeBudget {
  private let limits: HandshakeLimits
  private(set) var options = 0
  private var bytes = 0
  private var listedExports = 0

  init(_ limits: HandshakeLimits) { self.limits = limits }

  /// Counts an option with its data.
  ///
  /// - Returns: false when the option exceeds a limit.
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
