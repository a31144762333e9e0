import Glibc

/// A Unix socket that listens at a path, with its file.
///
/// A file that a dead server has left is replaced. The file of a live server is not. A lock on the
/// directory separates servers that start at the same moment.
struct UnixSocketFile: Sendable {
  let path: String
  private let device: dev_t
  private let inode: ino_t

  /// Creates the socket file and listens on it.
  ///
  /// - Returns: the file and the listening descriptor, which the caller owns.
  /// - Throws: ``ServerError``.
  static func listen(
    at path: String, mode: UInt32, owner: SocketOwner? = nil, backlog: Int32
  ) throws(ServerError) -> (file: UnixSocketFile, descriptor: Int32) {
    let directory = try SocketDirectory(of: path)
    try clearStale(path, in: directory)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw systemError(path, "socket") }
    do throws(ServerError) {
      // The file gets the descriptor's mode without the bits of the umask. So it never allows more
      // than requested.
      guard fchmod(descriptor, mode) == 0 else { throw systemError(path, "fchmod") }
      guard try withAddress(path, { bind(descriptor, $0, $1) }) == 0 else {
        throw systemError(path, "bind")
      }
      let file = try directory.openSocket()
      try file.allow(mode: mode, owner: owner)
      guard Glibc.listen(descriptor, backlog) == 0 else { throw systemError(path, "listen") }
      return (
        UnixSocketFile(path: path, device: file.status.st_dev, inode: file.status.st_ino),
        descriptor
      )
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Removes the file, unless another server has replaced it with its own.
  func remove() {
    guard let directory = try? SocketDirectory(of: path), let status = directory.status(),
      status.st_dev == device, status.st_ino == inode
    else { return }
    directory.removeSocket()
  }

  /// Removes the file of a server that has died.
  static func removeIfStale(_ path: String) {
    guard let directory = try? SocketDirectory(of: path) else { return }
    try? clearStale(path, in: directory)
  }

  private static func clearStale(
    _ path: String, in directory: borrowing SocketDirectory
  ) throws(ServerError) {
    guard let status = directory.status() else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw ServerError(
        code: .notASocket, address: path,
        reason: "this file is not a socket; choose another path or remove it")
    }
    let probe = socket(
      AF_UNIX,
      Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard probe >= 0 else { throw systemError(path, "socket") }
    defer { close(probe) }
    let result = try withAddress(path) { connect(probe, $0, $1) }
    guard result != 0, errno == ECONNREFUSED else {
      throw ServerError(
        code: .addressInUse, address: path,
        reason: "another server listens there; stop it or choose another path")
    }
    guard directory.removeSocket() else { throw systemError(path, "unlink") }
  }

  static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(ServerError) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
    guard !bytes.isEmpty, bytes.count <= limit, !bytes.contains(0) else {
      throw ServerError(
        code: .invalidAddress, address: path,
        reason: "a socket path must have 1 to \(limit) bytes, found \(bytes.count)")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  static func systemError(_ path: String, _ call: StaticString) -> ServerError {
    let number = errno
    return ServerError(
      code: .system, address: path, reason: "\(call): \(String(cString: strerror(number)))")
  }
}
