import Glibc

/// A socket that was there before the server, as systemd passes it.
package struct InheritedSocket: Sendable {
  /// Where descriptors that are passed begin: sd_listen_fds(3).
  private static let firstDescriptor: Int32 = 3

  /// The sockets that the environment says were passed to this process, closed in programs that it
  /// starts from now on, and no longer named in the environment.
  ///
  /// They are named by `LISTEN_FDS`, meant for the process `LISTEN_PID` alone. To be called before
  /// anything is opened.
  ///
  /// - Throws: ``ServerError`` for a variable without sense, and for what is not open.
  package static func takeAll() throws(ServerError) -> [ListenAddress] {
    defer {
      for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
    }
    let descriptors = try descriptors(
      process: variable("LISTEN_PID"), count: variable("LISTEN_FDS"), of: getpid())
    return try descriptors.map { descriptor throws(ServerError) in
      guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
        throw ServerError(
          code: .invalidAddress, address: "descriptor \(descriptor)",
          reason: "LISTEN_FDS says that it was passed, but it is not open")
      }
      return .inherited(descriptor: descriptor)
    }
  }

  /// What the variables say that was passed to a process: nothing, when they are meant for another.
  static func descriptors(
    process: String?, count: String?, of own: Int32
  ) throws(ServerError) -> Range<Int32> {
    guard let process, let count, process == String(own) else {
      return firstDescriptor..<firstDescriptor
    }
    guard let number = Int32(count), 0...1024 ~= number else {
      throw ServerError(
        code: .invalidAddress, address: "LISTEN_FDS",
        reason: "expected the number of sockets that were passed, found '\(count)'")
    }
    return firstDescriptor..<firstDescriptor + number
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  let descriptor: Int32

  /// What the socket is bound to.
  ///
  /// - Throws: ``ServerError`` for anything but a socket of streams that listens on TCP or Unix.
  func address() throws(ServerError) -> NBDServer.ListeningAddress {
    guard option(SO_TYPE) == Int32(SOCK_STREAM.rawValue), option(SO_ACCEPTCONN) == 1 else {
      throw refusal("it is no socket that listens for connections")
    }
    switch option(SO_DOMAIN) {
    case AF_UNIX: return .unix(path: try unixPath())
    case AF_INET, AF_INET6: return try internetAddress()
    default: throw refusal("it is neither a TCP nor a Unix socket")
    }
  }

  private func option(_ name: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
  }

  /// Empty for a socket without a name, as the two ends of a pair have it.
  private func unixPath() throws(ServerError) -> String {
    var address = sockaddr_un()
    guard name(into: &address) != nil else { throw refusal("it has no address") }
    return withUnsafeBytes(of: address.sun_path) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  private func internetAddress() throws(ServerError) -> NBDServer.ListeningAddress {
    var address = sockaddr_storage()
    guard let length = name(into: &address) else { throw refusal("it has no address") }
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let failure = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getnameinfo(
          $0, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
          NI_NUMERICHOST | NI_NUMERICSERV)
      }
    }
    guard failure == 0, let port = Int(text(port)) else { throw refusal("it has no address") }
    return .tcp(host: text(host), port: port)
  }

  /// - Returns: the length of the name; nil where there is none.
  private func name<Address>(into address: inout Address) -> socklen_t? {
    var length = socklen_t(MemoryLayout<Address>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return status == 0 ? length : nil
  }

  private func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private func refusal(_ reason: String) -> ServerError {
    ServerError(code: .invalidAddress, address: "descriptor \(descriptor)", reason: reason)
  }
}
