internal import CCrypto

/// Key material. It stays in its own allocation, which is overwritten when the last reference is
/// released.
package final class SecretBytes: Sendable {
  // Written once, in init, before the object is shared.
  private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

  /// Allocates `count` bytes; `fill` writes them.
  package init<Failure: Error>(
    count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    storage = .allocate(byteCount: count, alignment: 16)
    storage.initializeMemory(as: UInt8.self, repeating: 0)
    try fill(storage)
  }

  /// Copies `bytes`.
  package convenience init(copying bytes: UnsafeRawBufferPointer) {
    self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
  }

  /// Copies `bytes`. Does not wipe them; the caller may have to.
  package convenience init(copying bytes: [UInt8]) {
    self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
  }

  /// Random bytes from OpenSSL's generator.
  ///
  /// - Throws: ``FormatError`` with `.libraryFailure` if the system provides no randomness.
  package static func random(count: Int) throws(FormatError) -> SecretBytes {
    try SecretBytes(count: count) { buffer throws(FormatError) in try Randomness.fill(buffer) }
  }

  deinit {
    OPENSSL_cleanse(storage.baseAddress, storage.count)
    storage.deallocate()
  }

  package var count: Int { storage.count }

  /// Calls `body` with the bytes, which must not be kept.
  package func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(storage))
  }
}

/// Random bytes that are fit for keys, salts and identifiers.
package enum Randomness {
  /// Fills `buffer`.
  ///
  /// - Throws: ``FormatError`` with `.libraryFailure` if the system provides no randomness.
  package static func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(FormatError) {
    guard
      RAND_bytes(buffer.assumingMemoryBound(to: UInt8.self).baseAddress, Int32(buffer.count)) == 1
    else { throw .cryptography("random numbers", "RAND_bytes") }
  }

  /// `count` bytes.
  package static func bytes(count: Int) throws(FormatError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withMutableBytes { buffer throws(FormatError) in try fill(buffer) }
    return bytes
  }

  /// A name that nothing else ever had: 16 bytes as 32 hexadecimal digits.
  package static func name() throws(FormatError) -> String {
    try bytes(count: 16).withUnsafeBytes { Hexadecimal.encode($0) }
  }
}

extension FormatError {
  /// An OpenSSL call failed: `function`, for the reason on OpenSSL's error queue.
  static func cryptography(_ structure: String, _ function: String) -> FormatError {
    let code = ERR_get_error()
    var text = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(code, &text, text.count)
    let reason = String(
      decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return FormatError(.libraryFailure, in: structure, "OpenSSL's \(function) failed: \(reason)")
  }
}
