import CLinux
import FileIO
import Glibc
import SystemPackage

/// A pipe; programs that are started get neither end unless they are given it.
struct Pipe: ~Copyable {
  let reading: Descriptor
  let writing: Descriptor

  init() throws(Errno) {
    var ends: [CInt] = [-1, -1]
    try retryingCall { linux_make_pipe(&ends) }
    reading = Descriptor(owning: ends[0])
    writing = Descriptor(owning: ends[1])
  }
}

extension Descriptor {
  /// What comes next out of a pipe; empty at its end.
  func nextBytes() throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let outcome = bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(Errno) in try readNext(into: buffer) }
    }
    bytes.removeLast(bytes.count - (try outcome.get()))
    return bytes
  }
}
