import Glibc
package import NBDServer
import Testing

/// A client that says what it is told to, byte for byte.
package final class RawClient: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  private let descriptor: Int32

  /// Connects; everything it waits for has to come within ten seconds.
  package init(_ address: NBDServer.ListeningAddress) throws {
    switch address {
    case .unix(let path): descriptor = try Self.connect(path: path)
    case .tcp(_, let port): descriptor = try Self.connect(port: UInt16(port))
    }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(
      descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  private static func connect(path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw Failure(description: "cannot connect to \(path)") }
    return descriptor
  }

  private static func connect(port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Failure(description: "cannot connect to port \(port)") }
    return descriptor
  }

  /// Sends all of it, or as much as the server takes before it closes or lets ten seconds pass.
  @discardableResult
  package func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// Sends as much as the server takes at once.
  package func sendWhatIsTaken(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress! + sent, $0.count - sent,
          Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// Receives exactly so many bytes; fewer when the connection ends before.
  package func receive(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = try [UInt8](unsafeUninitializedCapacity: min(count - bytes.count, 1 << 18)) {
        let received = recv(descriptor, $0.baseAddress, $0.count, 0)
        if received < 0, errno == EAGAIN { throw Failure(description: "the server says nothing") }
        $1 = max(received, 0)
      }
      guard !part.isEmpty else { break }
      bytes += part
    }
    return bytes
  }

  /// Receives until the server closes, at most 64 MiB.
  package func receiveToEnd() throws -> [UInt8] { try receive(64 << 20) }

  /// Says that nothing more will be sent.
  package func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Goes without a word: over TCP the server is told so by a reset, as when a process is killed
  /// with data unread.
  package func reset() {
    var lingering = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// The port that this end of a TCP connection has.
  package var localPort: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = getsockname(descriptor, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  /// Checks that the server says exactly this next.
  package func expect(
    _ expected: [UInt8], fileID: String = #fileID, filePath: String = #filePath, line: Int = #line,
    column: Int = #column
  ) throws {
    let received = try receive(expected.count)
    guard received != expected else { return }
    let difference = zip(received, expected).enumerated().first { $0.element.0 != $0.element.1 }
    Issue.record(
      "\(received.count) of \(expected.count) bytes, first difference at \(difference?.offset ?? -1)",
      sourceLocation: SourceLocation(
        fileID: fileID, filePath: filePath, line: line, column: column))
  }

  /// Checks that the server closes without saying anything more.
  package func expectEnd(
    fileID: String = #fileID, filePath: String = #filePath, line: Int = #line,
    column: Int = #column
  ) throws {
    guard try !receive(1).isEmpty else { return }
    Issue.record(
      "the server said more",
      sourceLocation: SourceLocation(
        fileID: fileID, filePath: filePath, line: line, column: column))
  }
}
