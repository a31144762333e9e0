import Glibc

/// open(2) and fchownat(2), as Linux has them. Not from CLinux: with that module beside it in a
/// compilation, NBDServer's other files no longer find `stat` in Glibc.
private let openPathOnly: Int32 = 0o10_000_000
private let emptyPath: Int32 = 0x1000

/// The directory of a Unix socket, held open and locked: whoever can write to it may put a link in the
/// socket's place at any moment, and must not lead this process elsewhere.
struct SocketDirectory: ~Copyable {
  private let path: String
  private let name: String
  private let descriptor: Int32

  /// - Throws: ``ServerError`` where there is no such directory.
  init(of path: String) throws(ServerError) {
    let end = path.lastIndex(of: "/")
    let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    self.path = path
    name = end.map { String(path[path.index(after: $0)...]) } ?? path
    var opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if opened >= 0 {
      // Keeps servers apart that start at the same moment.
      _ = flock(opened, LOCK_EX)
    } else {
      // Without permission to read the directory there is no lock.
      opened = open(directory, openPathOnly | O_DIRECTORY | O_CLOEXEC)
    }
    guard opened >= 0 else { throw UnixSocketFile.systemError(path, "open") }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// Of what has the socket's name, links not followed; nil where nothing has.
  func status() -> stat? {
    var status = stat()
    return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }

  /// Removes what has the socket's name, if it is a socket.
  @discardableResult
  func removeSocket() -> Bool {
    guard let status = status(), status.st_mode & S_IFMT == S_IFSOCK else { return false }
    return unlinkat(descriptor, name, 0) == 0
  }

  /// The file of a socket that this process has just bound.
  ///
  /// - Throws: ``ServerError``, also where something else stands in its place by now.
  func openSocket() throws(ServerError) -> SocketInode {
    let file = openat(descriptor, name, openPathOnly | O_NOFOLLOW | O_CLOEXEC, 0)
    guard file >= 0 else { throw UnixSocketFile.systemError(path, "open") }
    return try SocketInode(owning: file, path: path)
  }
}

/// The file of a socket, open so that owner and mode can be changed of it and of nothing else.
struct SocketInode: ~Copyable {
  let status: stat
  private let path: String
  private let descriptor: Int32

  fileprivate init(owning descriptor: Int32, path: String) throws(ServerError) {
    self.descriptor = descriptor
    self.path = path
    var status = stat()
    let isKnown = fstat(descriptor, &status) == 0
    self.status = status
    // A second name would be that of another socket of this user's.
    guard isKnown, status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid(),
      status.st_nlink == 1
    else {
      throw ServerError(
        code: .notASocket, address: path,
        reason: "somebody put something else in the place of the socket while it was made")
    }
  }

  deinit { close(descriptor) }

  /// - Throws: ``ServerError``.
  func allow(mode: UInt32, owner: SocketOwner?) throws(ServerError) {
    if let owner {
      // All bits set: as it is.
      let changed = fchownat(
        descriptor, "", owner.user ?? .max, owner.group ?? .max, emptyPath)
      guard changed == 0 else { throw UnixSocketFile.systemError(path, "chown") }
    }
    guard status.st_mode & 0o7777 != mode else { return }
    // fchmod(2) wants a file that is open for more than its name.
    guard chmod("/proc/self/fd/\(descriptor)", mode) == 0 else {
      throw UnixSocketFile.systemError(path, "chmod")
    }
  }
}
