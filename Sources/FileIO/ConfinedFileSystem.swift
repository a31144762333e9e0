import CLinux
import Glibc
import Synchronization
import SystemPackage

/// A directory of this machine and everything below it. For directories that other users may write
/// to.
///
/// The directory is opened once. All paths below it are opened relative to it, and symbolic links
/// are not followed. So another user who can write to it cannot direct this process to other files,
/// not even by replacing a directory with a link during an operation.
final class ConfinedFileSystem: FileSystem {
  private struct Root: Sendable {
    let directory: DirectoryDescriptor
    /// Nil if only this user may use new files.
    let access: DirectoryAccess?
  }

  let concurrentChanges = POSIXFileSystem().concurrentChanges
  private let path: FilePath
  private let newFiles: NewFileAccess
  /// Opened when first needed.
  private let opened = Mutex<Root?>(nil)

  init(root path: FilePath, newFiles: NewFileAccess) {
    self.path = path
    self.newFiles = newFiles
  }

  func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    try perform("create", path) { root, relative throws(Errno) in
      let file = try root.directory.open(
        relative, flags: O_RDWR | O_CREAT | O_EXCL, permissions: permissions)
      do throws(Errno) {
        guard try root.access?.apply(to: file) ?? true else { throw Refusal.lockedOut }
      } catch {
        _ = try? root.directory.withParent(of: relative) { parent, name throws(Errno) in
          try retryingCall { unlinkat(parent, name, 0) }
        }
        throw error
      }
      return POSIXFile(path: path, descriptor: file)
    }
  }

  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile {
    let flags = access == .reading ? O_RDONLY : O_RDWR
    return try perform("open", path) { root, relative throws(Errno) in
      let file = try Self.open(relative, in: root.directory, flags: flags)
      let kind = try file.metadata().kind
      // A directory can be opened, as with open(2); reading it fails.
      guard kind == .file || kind == .directory else { throw Refusal.wrongKind }
      return POSIXFile(path: path, descriptor: file)
    }
  }

  private static func open(
    _ relative: FilePath, in directory: DirectoryDescriptor, flags: CInt
  ) throws(Errno) -> Descriptor {
    do throws(Errno) {
      // Without O_NONBLOCK, opening a FIFO would wait for a writer.
      return try directory.open(relative, flags: flags | O_NONBLOCK | O_NOCTTY)
    } catch .resourceTemporarilyUnavailable {
      // A client of a file server has a lease on the file; the server is taking the lease back.
      return try directory.open(relative, flags: flags | O_NOCTTY)
    } catch .noSuchAddressOrDevice {
      // A socket, or a FIFO without a reader.
      throw Refusal.wrongKind
    }
  }

  func createDirectory(_ path: FilePath, permissions: FilePermissions) throws(FileError) {
    try perform("create directory", path) { root, relative throws(Errno) in
      try root.directory.withParent(of: relative) { parent, name throws(Errno) in
        try retryingCall { mkdirat(parent, name, permissions.rawValue) }
      }
      guard let access = root.access else { return }
      let directory = try root.directory.open(relative, flags: O_RDONLY | O_DIRECTORY)
      guard try access.apply(to: directory) else {
        _ = try? root.directory.withParent(of: relative) { parent, name throws(Errno) in
          try retryingCall { unlinkat(parent, name, AT_REMOVEDIR) }
        }
        throw Refusal.lockedOut
      }
    }
  }

  func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry] {
    try perform("list", directory) { root, relative throws(Errno) in
      let opened = try root.directory.open(relative, flags: O_RDONLY | O_DIRECTORY)
      return try DirectoryStream(opened).readEntries().sorted { $0.name < $1.name }
    }
  }

  func metadata(of path: FilePath) throws(FileError) -> FileMetadata {
    try perform("stat", path) { root, relative throws(Errno) in
      try root.directory.open(relative, flags: linux_open_path_only).metadata()
    }
  }

  func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try perform("rename", source, to: destination) { root, relative throws(Errno) in
      guard let target = self.relative(destination) else { throw .improperLink }
      try root.directory.withParent(of: relative) { from, oldName throws(Errno) in
        try root.directory.withParent(of: target) { to, newName throws(Errno) in
          if try entryKind(of: oldName, in: from) == .file {
            try Self.checkReplacing(newName, in: to)
          }
          try retryingCall { renameat(from, oldName, to, newName) }
        }
      }
    }
  }

  /// Checks that a file would replace only another file. The system itself refuses a directory.
  private static func checkReplacing(_ name: String, in directory: CInt) throws(Errno) {
    do throws(Errno) {
      switch try entryKind(of: name, in: directory) {
      case .file, .directory: return
      case .symbolicLink: throw Errno.tooManySymbolicLinkLevels
      default: throw Refusal.wrongKind
      }
    } catch .noSuchFileOrDirectory {
      return
    }
  }

  /// With ``NewFileAccess/user``, links, sockets and other special files are removed, too.
  func remove(_ path: FilePath) throws(FileError) {
    try perform("remove", path) { root, relative throws(Errno) in
      try root.directory.withParent(of: relative) { parent, name throws(Errno) in
        switch try entryKind(of: name, in: parent) {
        case let kind where kind == .file || kind != .directory && newFiles == .user:
          try retryingCall { unlinkat(parent, name, 0) }
        case .directory: try retryingCall { unlinkat(parent, name, AT_REMOVEDIR) }
        case .symbolicLink: throw Errno.tooManySymbolicLinkLevels
        default: throw Refusal.wrongKind
        }
      }
    }
  }

  func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    try perform("synchronise directory", path) { root, relative throws(Errno) in
      let directory = try root.directory.open(relative, flags: O_RDONLY | O_DIRECTORY)
      try directory.synchronizeNames(of: path)
    }
  }

  func copiesOnWrite(_ directory: FilePath) -> Bool {
    let copies = try? perform("look at", directory) { root, relative throws(Errno) in
      let opened = try root.directory.open(relative, flags: O_RDONLY | O_DIRECTORY)
      var status = statfs()
      try retryingCall { fstatfs(opened.rawValue, &status) }
      return status.copiesOnWrite
    }
    return copies ?? false
  }

  func bootID() throws(FileError) -> String { try POSIXFileSystem().bootID() }
}

// MARK: - The root and errors

extension ConfinedFileSystem {
  /// Errors of this class, before they become a ``FileError``.
  private enum Refusal {
    /// Not a regular file.
    static let wrongKind = Errno.notSupported
    /// See ``DirectoryAccess/lockedOut``.
    static let lockedOut = Errno(rawValue: EOWNERDEAD)
  }

  /// The path relative to the root; nil if it is not below the root.
  private func relative(_ path: FilePath) -> FilePath? {
    var relative = path
    guard relative.removePrefix(self.path), !relative.isAbsolute else { return nil }
    return relative.isEmpty ? "." : relative
  }

  private func root() throws(Errno) -> Root {
    try opened.withLock { opened throws(Errno) in
      if let opened { return opened }
      let directory = DirectoryDescriptor(
        try Descriptor(opening: path, flags: linux_open_path_only | O_DIRECTORY))
      let root = Root(
        directory: directory,
        access: newFiles == .likeDirectory
          ? try DirectoryAccess(directory.descriptor, at: path) : nil)
      opened = root
      return root
    }
  }

  @discardableResult
  private func perform<Result>(
    _ operation: String, _ path: FilePath, to destination: FilePath? = nil,
    _ body: (Root, _ relative: FilePath) throws(Errno) -> Result
  ) throws(FileError) -> Result {
    do throws(Errno) {
      guard let relative = relative(path) else { throw .improperLink }
      return try body(try root(), relative)
    } catch {
      throw FileError(
        operation: operation, path: path, destination: destination,
        errno: error == Refusal.lockedOut ? .permissionDenied : error,
        detail: detail(of: error, path) ?? destination.flatMap { detail(of: error, $0) })
    }
  }

  /// Finds out more about a failure.
  private func detail(of error: Errno, _ path: FilePath) -> FileError.Detail? {
    guard let relative = relative(path), let root = try? root() else { return nil }
    switch error {
    case .tooManySymbolicLinkLevels:
      return reached(on: relative, in: root).first { $0.kind == .symbolicLink }
        .map { .symbolicLink($0.path) }
    case .notDirectory:
      return reached(on: relative, in: root).first { $0.kind != .directory }
        .map { .notADirectory($0.path, $0.kind) }
    case Refusal.wrongKind:
      guard let last = reached(on: relative, in: root).last, last.kind != .file,
        last.path == path
      else { return nil }
      return .notAFile(last.kind)
    case Refusal.lockedOut:
      return root.access?.lockedOut
    case .permissionDenied, .notPermitted:
      return owner(of: relative, in: root)
    default:
      return nil
    }
  }

  /// The kind of each part of the path, from the root to the end. Stops before the first part that
  /// cannot be examined.
  private func reached(
    on relative: FilePath, in root: Root
  ) -> [(path: FilePath, kind: FileKind)] {
    var (found, beginning): ([(path: FilePath, kind: FileKind)], FilePath) = ([], "")
    for component in relative.components {
      beginning.append(component)
      let kind = try? root.directory.withParent(of: beginning) { parent, name throws(Errno) in
        try entryKind(of: name, in: parent)
      }
      guard let kind else { break }
      found.append((path.appending(beginning.components), kind))
    }
    return found
  }

  /// The owner of the path, or of the last directory on it that can be examined; nil if this user
  /// is the owner.
  private func owner(of relative: FilePath, in root: Root) -> FileError.Detail? {
    var place = relative
    while true {
      let isRoot = place.isEmpty || place == "."
      if let status = try? root.directory.open(
        isRoot ? "." : place, flags: linux_open_path_only
      ).status() {
        guard status.st_uid != geteuid() else { return nil }
        return .owner(
          of: isRoot ? path : path.appending(place.components),
          owner: UserName.of(status.st_uid), user: UserName.ofThisProcess)
      }
      if isRoot { return nil }
      place.removeLastComponent()
    }
  }
}
