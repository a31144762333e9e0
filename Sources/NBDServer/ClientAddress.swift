import CLinux
import NIOCore

/// Describes the address of a client.
enum ClientAddress {
  /// Returns `192.0.2.7:40312`, or for a Unix socket the process that connected: `process 4711`.
  static func describe(_ channel: any Channel) -> String {
    if let address = channel.remoteAddress, let host = address.ipAddress, let port = address.port {
      return "\(NBDServer.ListeningAddress.tcp(host: host, port: port))"
    }
    return process(behind: channel).map { "process \($0)" } ?? "local"
  }

  /// Returns the identity of the client.
  ///
  /// - Parameter tlsName: the name that the client proved under TLS; nil if it proved none.
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
    // The number is 0 for a client in another container whose processes have no number here.
    return process.flatMap { $0 > 0 ? $0 : nil }
  }
}

/// Identifies a client across several connections, as far as possible.
struct ClientIdentity: Hashable, Sendable {
  /// The IP address. Empty for a Unix socket.
  let host: String
  /// The process of a client on a Unix socket, if it is known.
  var process: Int32?
  let tlsName: String?

  var withoutProcess: ClientIdentity {
    var identity = self
    identity.process = nil
    return identity
  }
}
