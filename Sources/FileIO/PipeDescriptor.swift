import CLinux
import Glibc
package import SystemPackage

extension Descriptor {
  /// Reads the next bytes of a pipe: at least one byte, or 0 at its end. (read(2))
  ///
  /// Waits even if another process that shares the open file made it non-blocking.
  package func readNext(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    while true {
      do throws(Errno) {
        return try retryingCall { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
      } catch .wouldBlock {
        try waitUntilReady(for: POLLIN)
      }
    }
  }

  /// Reads all bytes of a file or pipe up to its end.
  ///
  /// - Throws: `EFBIG` if there are more than `limitBytes`; reading then stops.
  package func readToEnd(limitBytes: Int) throws(Errno) -> [UInt8] {
    var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 64 << 10))
    while true {
      let step = buffer.withUnsafeMutableBytes { buffer in
        Result { () throws(Errno) in try readNext(into: buffer) }
      }
      let count = try step.get()
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= limitBytes else { throw .fileTooLarge }
    }
  }

  /// Writes all of `bytes` into a pipe, or at the file position. (write(2))
  package func writeNext(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
    var count = 0
    while count < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
      do throws(Errno) {
        let step = try retryingCall { Glibc.write(rawValue, rest.baseAddress, rest.count) }
        if step == 0 { throw .ioError }
        count += step
      } catch .wouldBlock {
        try waitUntilReady(for: POLLOUT)
      }
    }
  }

  /// Sets the capacity of a pipe. (F_SETPIPE_SZ) Fails for other files, and for sizes above
  /// `/proc/sys/fs/pipe-max-size` unless the user is root.
  package func setPipeSize(bytes: Int) throws(Errno) {
    try retryingCall { linux_set_pipe_size(rawValue, CInt(clamping: bytes)) }
  }

  /// Whether this is a terminal.
  package var isTerminal: Bool { isatty(rawValue) == 1 }

  /// The position at which the next ``readNext(into:)`` begins; throws `ESPIPE` for a pipe.
  package func filePosition() throws(Errno) -> UInt64 {
    UInt64(try retryingCall { lseek(rawValue, 0, SEEK_CUR) })
  }

  private func waitUntilReady(for events: CInt) throws(Errno) {
    var poll = pollfd(fd: rawValue, events: Int16(events), revents: 0)
    try retryingCall { Glibc.poll(&poll, 1, -1) }
  }
}
