import CLinux
import NIOCore

/// Where a client is, in words.
enum ClientAddress {
  /// `192.0.2.7:40312`, or of a Unix socket the process that connected: `process 4711`.
  static func describe(_ channel: any Channel) -> String {
    if let address = channel.remoteAddress, let host = address.ipAddress, let port = address.port {
      return "\(NBDServer.ListeningAddress.tcp(host: host, port: port))"
    }
    return process(behind: channel).map { "process \($0)" } ?? "local"
  }

  /// - Parameter tlsName: what the client proved to be called, where it had to.
  static func identity(of channel: any Channel, tlsName: String?) -> ClientIdentity {
    let host = channel.remoteAddress?.ipAddress
    return ClientIdentity(
      host: host ?? "", process: host == nil ? process(behind: channel) : nil, tlsName: tlsName)
  }

  private static func process(behind channel: any Channel) -> Int32? {
    let process = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { descriptor in
      linux_peer_process(descriptor)
    }
    // A client of another container, whose processes have no number here, has 0.
    return process.flatMap { $0 > 0 ? $0 : nil }
  }
}

/// Who a client is, as far as that can be told of several connections.
struct ClientIdentity: Hashable, Sendable {
  /// The IP address; empty on a Unix socket.
  let host: String
  /// On a Unix socket, where it is known.
  var process: Int32?
  let tlsName: String?

  var withoutProcess: ClientIdentity {
    var identity = self
    identity.process = nil
    return identity
  }
}
