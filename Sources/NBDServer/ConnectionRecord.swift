import Synchronization

/// What is known of one connection while it lasts.
///
/// Written on the connection's event loop, read anywhere.
package final class ConnectionRecord: Sendable {
  /// Counts connections from 1 since the server started.
  package let number: UInt64
  /// The client's address as a person would write it.
  package let address: String
  package let since: ContinuousClock.Instant

  private let exportName = Mutex<String?>(nil)
  private let requests = Atomic<UInt64>(0)
  private let bytesSent = Atomic<UInt64>(0)

  init(number: UInt64, address: String) {
    self.number = number
    self.address = address
    since = .now
  }

  /// The canonical name of the export; nil before the client has entered one.
  package var export: String? { exportName.withLock { $0 } }
  /// Pieces of requests that were carried out.
  package var requestCount: UInt64 { requests.load(ordering: .relaxed) }
  /// Everything that was handed to the socket.
  package var sentBytes: UInt64 { bytesSent.load(ordering: .relaxed) }

  func entered(_ export: String) { exportName.withLock { $0 = export } }
  func performed() { requests.add(1, ordering: .relaxed) }
  func sent(_ count: Int) { bytesSent.add(UInt64(count), ordering: .relaxed) }
}
