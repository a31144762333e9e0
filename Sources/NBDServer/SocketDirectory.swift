import Glibc

/// Constants of open(2) and fchownat(2) on Linux. They do not come from CLinux: if that module is
/// part of the compilation, the other files of NBDServer do not find `stat` in Glibc any more.
private let openPathOnly: Int32 = 0o10_000_000
private let emptyPath: Int32 = 0x1000

/// The directory of a Unix socket, open and locked. Users who can write to the directory may
/// replace the socket with a link at any moment. Through this open directory, the server cannot be
/// led elsewhere.
struct SocketDirectory: ~Copyable {
  private let path: String
  private let name: String
  private let descriptor: Int32

  /// Opens and locks the directory of the socket at `path`.
  ///
  /// - Throws: ``ServerError`` if there is no such directory.
  init(of path: String) throws(ServerError) {
    let end = path.lastIndex(of: "/")
    let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    self.path = path
    name = end.map { String(path[path.index(after: $0)...]) } ?? path
    var opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if opened >= 0 {
      // Only one server at a time works in the directory, even if several start at the same moment.
      _ = flock(opened, LOCK_EX)
    } else {
      // Without permission to read the directory, there is no lock.
      opened = open(directory, openPathOnly | O_DIRECTORY | O_CLOEXEC)
    }
    guard opened >= 0 else { throw UnixSocketFile.systemError(path, "open") }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// The status of the file with the socket's name, without following links. Nil if there is none.
  func status() -> stat? {
    var status = stat()
    return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }

  /// Removes the file with the socket's name, if it is a socket.
  @discardableResult
  func removeSocket() -> Bool {
    guard let status = status(), status.st_mode & S_IFMT == S_IFSOCK else { return false }
    return unlinkat(descriptor, name, 0) == 0
  }

  /// Opens the file of a socket that this process has just bound.
  ///
  /// - Throws: ``ServerError``, also if another file is in its place by now.
  func openSocket() throws(ServerError) -> SocketInode {
    let file = openat(descriptor, name, openPathOnly | O_NOFOLLOW | O_CLOEXEC, 0)
    guard file >= 0 else { throw UnixSocketFile.systemError(path, "open") }
    return try SocketInode(owning: file, path: path)
  }
}

/// The file of a socket. It is held open, so that a change of owner or mode affects this file and
/// no other.
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
    // With a second link, the file could be another socket of the same user.
    guard isKnown, status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid(),
      status.st_nlink == 1
    else {
      throw ServerError(
        code: .notASocket, address: path,
        reason: "another process replaced the socket while it was being created")
    }
  }

  deinit { close(descriptor) }

  /// Sets the mode, and the owner if there is one.
  ///
  /// - Throws: ``ServerError``.
  func allow(mode: UInt32, owner: SocketOwner?) throws(ServerError) {
    if let owner {
      // An id with all bits set means: do not change.
      let changed = fchownat(
        descriptor, "", owner.user ?? .max, owner.group ?? .max, emptyPath)
      guard changed == 0 else { throw UnixSocketFile.systemError(path, "chown") }
    }
    guard status.st_mode & 0o7777 != mode else { return }
    // fchmod(2) does not accept a descriptor that was opened with O_PATH.
    guard chmod("/proc/self/fd/\(descriptor)", mode) == 0 else {
      throw UnixSocketFile.systemError(path, "chmod")
    }
  }
}
