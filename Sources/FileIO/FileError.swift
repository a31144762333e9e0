import CLinux
import Glibc
package import SystemPackage

/// A file operation that failed: the operation, the file, and the system's error.
///
/// Reads as `cannot write /srv/varve/packs/x: No space left on device (ENOSPC)`.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Causes that a caller may act on; all others are `other`.
  package enum Code: Sendable, Hashable {
    case notFound
    case alreadyExists
    case permissionDenied
    /// The file system or the user's quota is full.
    case noSpace
    case readOnly
    case isDirectory
    case notDirectory
    /// The device failed.
    case inputOutput
    /// A symbolic link in a path where links are not followed.
    case symbolicLink
    case other
  }

  /// Details besides the system's error.
  package enum Detail: Sendable, Hashable {
    /// The known holders of a lock, perhaps none, and how long this process waited for it.
    case lockHeld([LockHolder], seconds: Int)
    /// This part of the path is a symbolic link.
    case symbolicLink(FilePath)
    /// This part of the path is no directory.
    case notADirectory(FilePath, FileKind)
    /// Something other than a regular file has the name.
    case notAFile(FileKind)
    /// The file is larger than its reader accepts.
    case tooLarge(limitBytes: Int)
    /// The file or directory belongs to `owner`, but this process runs as `user`.
    case owner(of: FilePath, owner: String, user: String)
    /// New files would belong to `user`, and the directory's owner, `owner`, could not use them.
    case locksOut(owner: String, of: FilePath, user: String)
  }

  /// The operation, in words that the path can follow: `write`, `make directory`.
  package let operation: String
  package let path: FilePath
  /// The new name of a rename.
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

  /// Whether the path leads to something other than a regular file.
  package var isOfWrongKind: Bool {
    if case .notAFile = detail { return true }
    return code == .symbolicLink || code == .isDirectory
  }

  /// Whether this process had closed the file.
  package var isOfClosedFile: Bool { errno == .badFileDescriptor }

  /// Whether somebody held a lock for too long.
  package var isOfHeldLock: Bool {
    if case .lockHeld = detail { true } else { false }
  }

  /// An explanation if the file system has no free inode; empty in all other cases. The system then
  /// reports "no space", although there is space. Append it to ``description``.
  package var explanationOfNoSpace: String {
    guard errno == .noSpace else { return "" }
    var status = statfs()
    guard statfs(path.parentDirectory.string, &status) == 0 || statfs(path.string, &status) == 0,
      status.f_files > 0, status.f_ffree == 0
    else { return "" }
    return ": its file system has no free inodes"
  }

  package var description: String {
    let target = destination.map { " to \($0)" } ?? ""
    return "cannot \(operation) \(path)\(target): \(reason)"
  }

  private var reason: String {
    switch detail {
    case nil: errno.explanation
    case .lockHeld(let holders, let seconds):
      "locked for more than \(seconds) s by \(holders.names); end that process, or try again later"
    case .symbolicLink(let link):
      "\(link) is a symbolic link, and varve does not follow links here; replace it with the file or "
        + "directory itself (for a directory on another disk, use 'mount --bind')"
    case .notADirectory(let path, let kind):
      "\(path) is a \(kind.words), not a directory; move it away"
    case .notAFile(let kind): "expected a regular file, found a \(kind.words)"
    case .tooLarge(let limitBytes): "it is larger than the limit of \(limitBytes) bytes"
    case .owner(let path, let owner, let user):
      "\(errno.explanation): \(path) belongs to \(owner), and this process runs as \(user)"
    case .locksOut(let owner, let path, let user):
      "\(path) belongs to \(owner), who could not use the files that this process creates as \(user); "
        + "run as \(owner), or let a group with both users write to the directory ('chmod g+rwxs')"
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
  /// The system's message and the symbol: `No space left on device (ENOSPC)`.
  package var explanation: String {
    guard let symbol = linux_errno_symbol(rawValue) else { return "\(self) (\(rawValue))" }
    return "\(self) (\(String(cString: symbol)))"
  }
}
