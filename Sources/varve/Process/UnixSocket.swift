import FileIO
import Glibc
import SystemPackage

/// Unix sockets as their clients see them.
enum UnixSocket {
  /// The network library takes the path of a socket as text.
  ///
  /// - Throws: ``Failure`` where a path in `directory` is no UTF-8.
  static func checkDirectory(_ directory: FilePath) throws(Failure) {
    if directory.escaped.hasEscapedBytes {
      throw Failure(
        "the directory \(directory.escaped) is not UTF-8, and no socket can be made in it; choose "
          + "another one")
    }
  }

  /// Whether somebody listens at `path`.
  static func answers(at path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard probe >= 0 else { return false }
    defer { close(probe) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
