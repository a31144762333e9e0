import CLinux
import Glibc
import Synchronization
import SystemPackage

/// An open directory. It opens files below it by relative paths without `..`, and does not follow
/// symbolic links.
final class DirectoryDescriptor: Sendable {
  /// Whether openat2(2) is missing (Linux before 5.6), or a container forbids it.
  private static let lacksOpenat2 = Atomic(false)

  let descriptor: Descriptor

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  var rawValue: CInt { descriptor.rawValue }

  /// Opens the file or directory at `path`.
  ///
  /// - Throws: `ELOOP` if a part of the path, or its end, is a symbolic link.
  func open(
    _ path: FilePath, flags: CInt, permissions: FilePermissions = []
  ) throws(Errno) -> Descriptor {
    if !Self.lacksOpenat2.load(ordering: .relaxed) {
      do throws(Errno) {
        return try Descriptor(
          beneath: rawValue, path, flags: flags, permissions: permissions)
      } catch .noFunction {
        Self.lacksOpenat2.store(true, ordering: .relaxed)
      } catch .notPermitted {
        // The file system refused, or a container's filter does not know the call.
      }
    }
    return try walk(path, flags: flags, permissions: permissions)
  }

  /// Runs `body` with the parent directory of `path`, and with the last name of `path`.
  @discardableResult
  func withParent<Result>(
    of path: FilePath, _ body: (_ parent: CInt, _ name: String) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    guard let name = path.lastComponent?.string else { throw .invalidArgument }
    let parent = path.removingLastComponent()
    if parent.isEmpty { return try body(rawValue, name) }
    let directory = try open(parent, flags: linux_open_path_only | O_DIRECTORY)
    return try body(directory.rawValue, name)
  }

  /// Does the same as ``open(_:flags:permissions:)``, but opens one name after the other.
  func walk(
    _ path: FilePath, flags: CInt, permissions: FilePermissions
  ) throws(Errno) -> Descriptor {
    var directory: DirectoryDescriptor = self
    var names = path.components.map(\.string)
    guard let last = names.popLast(), !names.contains(".."), last != ".." else {
      throw path.isEmpty ? .noSuchFileOrDirectory : .improperLink
    }
    for name in names {
      directory = DirectoryDescriptor(
        try directory.openName(name, flags: linux_open_path_only | O_DIRECTORY))
    }
    return try directory.openName(last, flags: flags, permissions: permissions)
  }

  private func openName(
    _ name: String, flags: CInt, permissions: FilePermissions = []
  ) throws(Errno) -> Descriptor {
    let opened: CInt
    do throws(Errno) {
      opened = try retryingCall {
        linux_open_at(rawValue, name, flags | O_NOFOLLOW | O_CLOEXEC, permissions.rawValue)
      }
    } catch {
      // With O_DIRECTORY, a link also fails with this error.
      if error == .notDirectory, (try? entryKind(of: name, in: rawValue)) == .symbolicLink {
        throw .tooManySymbolicLinkLevels
      }
      throw error
    }
    let descriptor = Descriptor(owning: opened)
    // With O_PATH, open(2) opens the link itself.
    if flags & linux_open_path_only != 0, try descriptor.metadata().kind == .symbolicLink {
      throw .tooManySymbolicLinkLevels
    }
    return descriptor
  }
}

/// The kind of the file called `name` in an open directory; does not follow a link. (fstatat(2),
/// `AT_SYMLINK_NOFOLLOW`)
func entryKind(of name: String, in directory: CInt) throws(Errno) -> FileKind {
  var status = stat()
  try retryingCall { fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) }
  return status.metadata.kind
}

extension Descriptor {
  /// fsync(2) of a directory. If the file system does not support it, this is not an error: a
  /// ``StorageNotice`` reports it once per process.
  func synchronizeNames(of path: FilePath) throws(Errno) {
    do throws(Errno) {
      try synchronize()
    } catch  where [.invalidArgument, .notSupportedOnSocket, .noFunction].contains(error) {
      StorageNotice.directoriesNotSynchronized(path, error).give()
    }
  }
}
