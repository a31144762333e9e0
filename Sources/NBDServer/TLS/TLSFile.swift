import Glibc

/// The whole content of a file with a certificate or a key.
struct TLSFile {
  static let limitBytes = 1 << 20

  let path: String
  let bytes: [UInt8]
  /// Whether other users can read the file: neither its owner nor members of its group.
  let isReadableByOthers: Bool

  /// Reads the whole file.
  ///
  /// - Throws: ``TLSError``. Blocks.
  init(_ path: String) throws(TLSError) {
    self.path = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.failure(path) }
    isReadableByOthers = status.st_mode & S_IROTH != 0
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= Self.limitBytes {
      let count = read(descriptor, &piece, piece.count)
      guard count >= 0 || errno == EINTR else { throw Self.failure(path) }
      if count == 0 { break }
      bytes += piece.prefix(max(0, count))
    }
    guard bytes.count <= Self.limitBytes else {
      throw TLSError(
        file: path, reason: "it is too large; expected at most \(Self.limitBytes) bytes")
    }
    self.bytes = bytes
  }

  private static func failure(_ path: String) -> TLSError {
    TLSError(file: path, reason: "cannot read it: \(String(cString: strerror(errno)))")
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// A warning for the administrator if other users can read this secret.
  var warning: String? {
    isReadableByOthers ? "every user can read \(path); fix with chmod o-r" : nil
  }
}
