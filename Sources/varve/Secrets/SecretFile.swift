import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// A file with a passphrase or a key.
struct SecretFile {
  static let limitBytes = 64 << 10
  /// Of a key file that is made: twice the strength of the keys that it protects.
  private static let newKeyBytes = 64

  let path: String

  /// The content without the end of its last line.
  func passphrase() throws -> SecretBytes {
    let content = try read("passphrase file").withoutLineEnd()
    guard content.count > 0 else {
      throw Failure(
        .invalidRequest,
        "the passphrase file \(path) is empty; expected the passphrase as its only line")
    }
    return content
  }

  /// The content, all of it.
  func key() throws -> SecretBytes { try read("key file") }

  /// Hands `use` the key of the file. Where there is none, one is created that only its owner can
  /// read; it is removed again when `use` fails, since it opens nothing then.
  func withKeyMadeIfMissing<Result>(_ use: (SecretBytes) throws -> Result) throws -> Result {
    let (filePath, fileSystem) = (FilePath(escaped: path), POSIXFileSystem())
    if try fileSystem.exists(filePath) {
      let key = try key()
      try checkNewKey(key)
      return try use(key)
    }
    try Self.createKey(at: filePath, in: fileSystem)
    let own = try fileSystem.metadata(of: filePath)
    do {
      let result = try use(try key())
      Console.shared.message("created the key file \(path); keep a copy in another place")
      return result
    } catch {
      // Nobody else's file is removed, should the name have come to mean another.
      if let now = try? fileSystem.metadata(of: filePath),
        (now.device, now.inode) == (own.device, own.inode)
      {
        try? fileSystem.remove(filePath)
      }
      throw error
    }
  }

  /// varve reads such a file as the paper key of one repository, and never as a key file. So another
  /// repository that was created with it could not be opened.
  private func checkNewKey(_ key: borrowing SecretBytes) throws {
    let isPaperKey = key.withUnsafeBytes { PaperKey.isOne(String(decoding: $0, as: UTF8.self)) }
    if isPaperKey {
      throw Failure(
        .invalidRequest,
        "\(path) is a paper key, which opens only the repository that it was printed for; name another file, "
          + "which is created if it does not exist")
    }
  }

  /// The file is there whole or not at all, also after a crash, and replaces none. (link(2))
  private static func createKey(at path: FilePath, in fileSystem: POSIXFileSystem) throws {
    let temporary = path.temporarySibling()
    let file = try fileSystem.createFile(temporary, permissions: .ownerReadWrite)
    defer {
      file.close()
      try? fileSystem.remove(temporary)
    }
    try fill(file)
    let outcome = temporary.withPlatformString { old in
      path.withPlatformString { new in link(old, new) == 0 ? nil : Errno(rawValue: errno) }
    }
    if let outcome { throw FileError(operation: "create", path: path, errno: outcome) }
    try fileSystem.synchronizeDirectory(path.parentDirectory)
  }

  private static func fill(_ file: any OpenFile) throws {
    let key = try Randomness.bytes(count: newKeyBytes)
    let outcome = key.span.bytes.withUnsafeBytes { bytes in
      Swift.Result { () throws(FileError) in try file.write(bytes, at: 0) }
    }
    try outcome.get()
    try file.synchronizeData()
  }

  private func read(_ what: String) throws -> SecretBytes {
    let content: SecretBytes?
    do throws(Errno) {
      let descriptor = try Descriptor(opening: FilePath(escaped: path), flags: O_RDONLY)
      content = try SecretBytes.reading(descriptor, limitBytes: Self.limitBytes)
    } catch {
      throw Failure(FailureCode(error), "cannot read the \(what) \(path): \(error.explanation)")
    }
    guard let content else {
      throw Failure(
        .invalidRequest,
        "the \(what) \(path) is too large: expected at most \(Self.limitBytes) bytes")
    }
    warnIfOthersCanRead(what)
    return content
  }

  private func warnIfOthersCanRead(_ what: String) {
    var status = stat()
    guard path.withUnescapedCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_mode & S_IROTH != 0
    else { return }
    Console.shared.warning("every user can read the \(what) \(path); fix with chmod 600")
  }
}
