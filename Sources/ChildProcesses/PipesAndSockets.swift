import CLinux
package import FileIO
import Glibc
package import SystemPackage

/// A pipe. A program that this process starts inherits an end only if the launch names it.
package struct Pipe: ~Copyable {
  package let reading: Descriptor
  package let writing: Descriptor

  package init() throws(Errno) {
    var ends: [CInt] = [-1, -1]
    try retryingCall { linux_make_pipe(&ends) }
    reading = Descriptor(owning: ends[0])
    writing = Descriptor(owning: ends[1])
  }
}

extension Descriptor {
  /// Reads the next bytes of a pipe, at most 4096; empty at its end.
  package func nextBytes() throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let outcome = bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(Errno) in try readNext(into: buffer) }
    }
    bytes.removeLast(bytes.count - (try outcome.get()))
    return bytes
  }
}

/// Checks of Unix sockets.
package enum UnixSocket {
  /// Checks that a socket can be created in `directory`: the network library takes the path of a
  /// socket as text.
  ///
  /// - Throws: ``ChildProcessError`` with `.unusableDirectory` if the path of `directory` is not
  ///   UTF-8.
  package static func checkDirectory(_ directory: FilePath) throws(ChildProcessError) {
    if directory.escaped.hasEscapedBytes { throw .notUTF8(directory.escaped) }
  }

  /// Whether a process listens at `path`.
  package static func answers(at path: String) -> Bool {
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
