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
        "the passphrase file \(path) is empty; expected the passphrase as its only line")
    }
    return content
  }

  /// The content, all of it.
  func key() throws -> SecretBytes { try read("key file") }

  /// Makes a key file that only its owner can read, where there is no file.
  func makeKeyIfMissing() throws {
    let (path, fileSystem) = (FilePath(escaped: path), POSIXFileSystem())
    guard try !fileSystem.exists(path) else { return }
    let key = try Randomness.bytes(count: Self.newKeyBytes)
    try fileSystem.writeDurably(key, to: path, permissions: .ownerReadWrite)
    Console.shared.message("made the key file \(path); keep a copy of it somewhere else")
  }

  private func read(_ what: String) throws -> SecretBytes {
    let content: SecretBytes?
    do throws(Errno) {
      let descriptor = try Descriptor(opening: FilePath(escaped: path), flags: O_RDONLY)
      content = try SecretBytes.reading(descriptor, limitBytes: Self.limitBytes)
    } catch {
      throw Failure("cannot read the \(what) \(path): \(error.explanation)")
    }
    guard let content else {
      throw Failure("the \(what) \(path) is too large: expected at most \(Self.limitBytes) bytes")
    }
    warnIfOthersCanRead(what)
    return content
  }

  private func warnIfOthersCanRead(_ what: String) {
    var status = stat()
    guard path.withUnescapedCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_mode & S_IROTH != 0
    else { return }
    Console.shared.warning("every user can read the \(what) \(path); 'chmod 600' mends that")
  }
}
