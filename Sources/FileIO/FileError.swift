import CLinux
import Glibc
package import SystemPackage

/// Why a file operation failed: what was tried, on which file, and what the system said.
///
/// Reads as `cannot write /srv/varve/packs/x: No space left on device (ENOSPC)`.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What a caller may want to act upon; everything else is `other`.
  package enum Code: Sendable, Hashable {
    case notFound
    case alreadyExists
    case permissionDenied
    /// The file system, or the user's share of it, is full.
    case noSpace
    case readOnly
    case isDirectory
    case notDirectory
    /// The device failed.
    case inputOutput
    /// A symbolic link stands where none is followed.
    case symbolicLink
    case other
  }

  /// What is known besides the system's answer.
  package enum Detail: Sendable, Hashable {
    /// These processes held a lock for so long.
    case lockHeld([LockHolder], seconds: Int)
    /// This part of the path is a symbolic link.
    case symbolicLink(FilePath)
    /// Something else has the name of a regular file.
    case notAFile(FileKind)
    /// The file has more bytes than its reader takes.
    case tooLarge(limitBytes: Int)
    /// The file or directory belongs to another user than the one who asks.
    case owner(of: FilePath, owner: String, user: String)
    /// New files would belong to `user`, and `owner`, whose directory it is, could not use them.
    case locksOut(owner: String, of: FilePath, user: String)
  }

  /// What was tried, as words that the path can follow: `write`, `make directory`.
  package let operation: String
  package let path: FilePath
  /// The new name when renaming.
  package let destination: FilePath?
  package let errno: Errno
  package let detail: Detail?

  package init(
    operation: String, path: FilePath, destination: FilePath? = nil, errno: Errno,
    detail: Detail? = nil
  ) {
    self.operation = operation
    self.path = path
    self.destination = destination
    self.errno = errno
    self.detail = detail
  }

  package var code: Code { Code(errno) }

  /// Whether something else than a regular file has the name of one.
  package var isOfWrongKind: Bool {
    if case .notAFile = detail { return true }
    return code == .symbolicLink || code == .isDirectory
  }

  /// Whether the file had been closed by this process.
  package var isOfClosedFile: Bool { errno == .badFileDescriptor }

  /// Whether somebody held a lock for too long.
  package var isOfHeldLock: Bool {
    if case .lockHeld = detail { true } else { false }
  }

  /// What is used up, where that is not space: a file system has a number of files as well. To be added
  /// to ``description``.
  package var explanationOfNoSpace: String {
    guard errno == .noSpace else { return "" }
    var status = statfs()
    guard statfs(path.parentDirectory.string, &status) == 0 || statfs(path.string, &status) == 0,
      status.f_files > 0, status.f_ffree == 0
    else { return "" }
    return ": its file system has no free inode, so it takes no more files"
  }

  package var description: String {
    let target = destination.map { " to \($0)" } ?? ""
    return "cannot \(operation) \(path)\(target): \(reason)"
  }

  private var reason: String {
    switch detail {
    case nil: errno.explanation
    case .lockHeld(let holders, let seconds):
      "held for more than \(seconds) s by \(holders.names); end that process, or try again later"
    case .symbolicLink(let link):
      "\(link) is a symbolic link, and links are not followed here; put the file or directory itself "
        + "there ('mount --bind' brings a directory of another disk)"
    case .notAFile(let kind): "expected a regular file, found a \(kind.words)"
    case .tooLarge(let limitBytes): "it has more than \(limitBytes) bytes, which is the limit"
    case .owner(let path, let owner, let user):
      "\(errno.explanation): \(path) belongs to \(owner), and this process runs as \(user)"
    case .locksOut(let owner, let path, let user):
      "\(path) belongs to \(owner), who could not use the files that this process makes as \(user); "
        + "run as \(owner), or let a group of both write to the directory ('chmod g+rwxs')"
    }
  }
}

extension FileError.Code {
  init(_ errno: Errno) {
    self =
      switch errno {
      case .noSuchFileOrDirectory: .notFound
      case .fileExists: .alreadyExists
      case .permissionDenied, .notPermitted: .permissionDenied
      case .noSpace, .diskQuotaExceeded: .noSpace
      case .readOnlyFileSystem: .readOnly
      case .isDirectory: .isDirectory
      case .notDirectory: .notDirectory
      case .ioError: .inputOutput
      case .tooManySymbolicLinkLevels: .symbolicLink
      default: .other
      }
  }
}

extension Errno {
  /// The system's words and the symbol: `No space left on device (ENOSPC)`.
  package var explanation: String {
    guard let symbol = linux_errno_symbol(rawValue) else { return "\(self) (\(rawValue))" }
    return "\(self) (\(String(cString: symbol)))"
  }
}
