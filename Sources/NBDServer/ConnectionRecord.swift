import NBDProtocol
import NIOCore
import Synchronization

/// The state of one connection, for logs and statistics.
///
/// The connection's event loop writes it. Any thread can read it.
package final class ConnectionRecord: Sendable {
  /// What a connection has done so far.
  package struct Activity: Sendable {
    /// The canonical name of the export. Nil before the client has entered an export.
    package var export: String?
    /// The name that the client proved under TLS, if it had to prove one.
    package var tlsName: String?
    /// Whether the connection is encrypted.
    package var isEncrypted = false
    /// The number of pieces of requests that were begun.
    package var requestCount: UInt64 = 0
    /// The number of pieces of requests that were begun and are not answered yet.
    package var inFlightCount: UInt64 = 0
    /// The bytes of the export that were read and written.
    package var readBytes: UInt64 = 0
    package var writtenBytes: UInt64 = 0
    /// All bytes that were passed to the socket.
    package var sentBytes: UInt64 = 0
    /// The time from decoding a piece of a request until its reply is ready to be sent.
    package var latency = LatencyHistogram()
  }

  /// The number of the connection, counted from 1 since the server started.
  package let number: UInt64
  /// The client's address in readable form.
  package let address: String
  package let since: ContinuousClock.Instant

  private let state = Mutex(Activity())

  init(number: UInt64, address: String) {
    self.number = number
    self.address = address
    since = .now
  }

  package var activity: Activity { state.withLock { $0 } }

  /// The canonical name of the export. Nil before the client has entered an export.
  package var export: String? { state.withLock { $0.export } }
  package var requestCount: UInt64 { state.withLock { $0.requestCount } }
  package var sentBytes: UInt64 { state.withLock { $0.sentBytes } }

  func entered(_ export: String) { state.withLock { $0.export = export } }

  func encrypted(for name: String?) {
    state.withLock {
      $0.tlsName = name
      $0.isEncrypted = true
    }
  }

  /// Counts a piece of a request that begins.
  ///
  /// - Returns: the time of its start.
  func performed() -> NIODeadline {
    state.withLock {
      $0.requestCount += 1
      $0.inFlightCount += 1
    }
    return .now()
  }

  func answered(_ piece: WorkQueue.Piece, _ outcome: Outcome) {
    let nanoseconds = UInt64(max(0, (NIODeadline.now() - piece.start).nanoseconds))
    let isDone = outcome.failure == nil
    state.withLock {
      $0.inFlightCount -= 1
      $0.latency.add(nanoseconds: nanoseconds)
      switch piece.work.request.command {
      case .read where isDone: $0.readBytes += piece.work.lengthBytes
      case .write where isDone: $0.writtenBytes += piece.work.lengthBytes
      default: break
      }
    }
  }

  func sent(_ count: Int) { state.withLock { $0.sentBytes += UInt64(count) } }
}
