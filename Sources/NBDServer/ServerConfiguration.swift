package import NBDProtocol

/// An address on which a server listens.
package enum ListenAddress: Sendable, Hashable {
  /// The port that IANA has assigned to NBD.
  package static let defaultPort = 10809

  /// Port 0 lets the system choose one.
  case tcp(host: String, port: Int)
  /// A socket file with exactly these permission bits. It belongs to `owner`, if given, and
  /// otherwise to the owner of the process.
  case unix(path: String, mode: UInt32 = 0o600, owner: SocketOwner? = nil)
  /// A socket that already listens, such as one from systemd. The server takes ownership of it.
  case inherited(descriptor: Int32)
}

/// The owner of a socket file. Nil stands for the user or the group of the process.
package struct SocketOwner: Sendable, Hashable {
  package var user: UInt32?
  package var group: UInt32?

  package init(user: UInt32?, group: UInt32?) {
    self.user = user
    self.group = group
  }
}

/// The configuration of a server. Limits apply to the whole server unless stated otherwise.
package struct ServerConfiguration: Sendable {
  /// The minimum of ``replyMemoryBytes``: twice the longest payload.
  package static let leastReplyMemoryBytes = 64 << 20

  package var addresses: [ListenAddress]
  /// Nil if the server does not offer TLS.
  package var tls: TLSSettings?
  /// The response times of a single loop vary widely under load. More than two loops gain nothing
  /// on small machines.
  package var eventLoopCount = 2
  /// The number of threads for reads that are not cached.
  package var readThreadCount = 16
  /// The number of threads that list and open exports. They are separate from the reading threads,
  /// so that neither kind of work delays the other.
  package var catalogThreadCount = 2
  /// The maximum number of connections. Further clients are disconnected at once.
  package var connectionLimit = 1024
  /// The limits for a client before it enters an export.
  package var handshakeLimits = HandshakeLimits()
  /// How long a client may take for one option, and for the TLS handshake. There is no such limit
  /// afterwards, because a mounted disk may be idle for weeks.
  package var optionTimeLimit = Duration.seconds(30)
  /// How long a closing connection may go without taking any of its last bytes.
  package var closingTimeLimit = Duration.seconds(10)
  /// How long new requests wait for the requests in flight when the server stops. After that they
  /// are refused.
  package var holdingTimeLimit = Duration.seconds(2)
  /// How long a client may take none of its replies while others wait for memory.
  package var stallTimeLimit = Duration.seconds(10)
  /// The maximum number of requests, or pieces of long reads and writes, in flight on one
  /// connection.
  package var inFlightLimitCount = 64
  /// The maximum number of bytes for replies and payloads in flight on one connection.
  package var inFlightLimitBytes = 16 << 20
  /// The maximum number of bytes for unsent replies of all connections.
  package var replyMemoryBytes = leastReplyMemoryBytes

  /// Creates a configuration. Without addresses, no client can reach the server: no default would
  /// be right everywhere.
  package init(addresses: [ListenAddress] = []) {
    self.addresses = addresses
  }
}
