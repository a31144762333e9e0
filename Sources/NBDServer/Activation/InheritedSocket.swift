import Glibc

/// A listening socket that another process opened, such as systemd.
package struct InheritedSocket: Sendable {
  /// The number of the first inherited descriptor: sd_listen_fds(3).
  private static let firstDescriptor: Int32 = 3

  /// Returns the sockets that this process inherited according to the environment. Programs that
  /// this process starts later inherit neither the sockets nor the variables.
  ///
  /// The variable `LISTEN_FDS` is the number of sockets. It is valid only for the process
  /// `LISTEN_PID`. Call this before anything is opened.
  ///
  /// - Throws: ``ServerError`` for an invalid variable, and for a descriptor that is not open.
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
          reason: "LISTEN_FDS names it, but it is not open")
      }
      return .inherited(descriptor: descriptor)
    }
  }

  /// Returns the descriptors that the variables name. The range is empty if they are for another
  /// process.
  static func descriptors(
    process: String?, count: String?, of own: Int32
  ) throws(ServerError) -> Range<Int32> {
    guard let process, let count, process == String(own) else {
      return firstDescriptor..<firstDescriptor
    }
    guard let number = Int32(count), 0...1024 ~= number else {
      throw ServerError(
        code: .invalidAddress, address: "LISTEN_FDS",
        reason: "expected the number of passed sockets, found '\(count)'")
    }
    return firstDescriptor..<firstDescriptor + number
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  let descriptor: Int32

  /// Returns the address to which the socket is bound.
  ///
  /// - Throws: ``ServerError`` unless it is a listening stream socket on TCP or Unix.
  func address() throws(ServerError) -> NBDServer.ListeningAddress {
    guard option(SO_TYPE) == Int32(SOCK_STREAM.rawValue), option(SO_ACCEPTCONN) == 1 else {
      throw refusal("it is not a listening socket")
    }
    switch option(SO_DOMAIN) {
    case AF_UNIX: return .unix(path: try unixPath())
    case AF_INET, AF_INET6: return try internetAddress()
    default: throw refusal("it is neither a TCP socket nor a Unix socket")
    }
  }

  private func option(_ name: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
  }

  /// Returns the path of a Unix socket. It is empty for a socket without a name, such as one of a
  /// pair.
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

  /// Reads the address of the socket.
  ///
  /// - Returns: the length of the address; nil if there is none.
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
