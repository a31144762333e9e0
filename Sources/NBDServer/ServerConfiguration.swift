package import NBDProtocol

/// Where a server listens.
package enum ListenAddress: Sendable, Hashable {
  /// IANA's port for NBD.
  package static let defaultPort = 10809

  /// Port 0 lets the system choose one.
  case tcp(host: String, port: Int)
  /// A socket file, made with exactly these permission bits, for this owner instead of the
  /// process's.
  case unix(path: String, mode: UInt32 = 0o600, owner: SocketOwner? = nil)
  /// A socket that listens already, such as one that systemd passes. The server owns it.
  case inherited(descriptor: Int32)
}

/// Whose a socket file is; nil stands for the process's.
package struct SocketOwner: Sendable, Hashable {
  package var user: UInt32?
  package var group: UInt32?

  package init(user: UInt32?, group: UInt32?) {
    self.user = user
    self.group = group
  }
}

/// How a server runs. Every limit is per server unless it says otherwise.
package struct ServerConfiguration: Sendable {
  /// What ``replyMemoryBytes`` has to be at least: twice the longest payload.
  package static let leastReplyMemoryBytes = 64 << 20

  package var addresses: [ListenAddress]
  /// Nil: nobody can use TLS.
  package var tls: TLSSettings?
  /// One loop alone is bimodal under load; more than two gain nothing on small machines.
  package var eventLoopCount = 2
  /// Threads that read what is not cached.
  package var readThreadCount = 16
  /// Threads that list and open exports, apart from reads so that neither waits for the other.
  package var catalogThreadCount = 2
  /// Further clients are dropped as they come.
  package var connectionLimit = 1024
  /// What one client may use before it enters an export.
  package var handshakeLimits = HandshakeLimits()
  /// How long a client may take over one option, and over the TLS handshake. There is no such
  /// limit afterwards: a mounted disk sits idle for weeks.
  package var optionTimeLimit = Duration.seconds(30)
  /// How long a connection that is being closed may go without taking any of its last bytes.
  package var closingTimeLimit = Duration.seconds(10)
  /// How long new requests wait, when the server stops, for those in flight to be finished; then they
  /// are refused.
  package var holdingTimeLimit = Duration.seconds(2)
  /// How long a client may go without taking any of its replies while others wait for memory.
  package var stallTimeLimit = Duration.seconds(10)
  /// Requests, or pieces of long reads, that one connection may have in flight.
  package var inFlightLimitCount = 64
  /// Bytes that the answers in flight of one connection may hold.
  package var inFlightLimitBytes = 16 << 20
  /// Bytes that the answers of all connections may hold until they are sent.
  package var replyMemoryBytes = leastReplyMemoryBytes

  /// Without addresses nobody reaches the server: there is no default that would be right everywhere.
  package init(addresses: [ListenAddress] = []) {
    self.addresses = addresses
  }
}
