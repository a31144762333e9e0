import NBDProtocol
import NIOCore
import Synchronization

/// What is known of one connection while it lasts.
///
/// Written on the connection's event loop, read anywhere.
package final class ConnectionRecord: Sendable {
  /// What a connection has done so far.
  package struct Activity: Sendable {
    /// The canonical name of the export; nil before the client has entered one.
    package var export: String?
    /// What the client proved to be called under TLS, as far as it had to.
    package var tlsName: String?
    /// Whether what is sent is encrypted.
    package var isEncrypted = false
    /// Pieces of requests that were begun.
    package var requestCount: UInt64 = 0
    /// Pieces of requests that were begun and not answered yet.
    package var inFlightCount: UInt64 = 0
    /// Content of the export that was read, and written.
    package var readBytes: UInt64 = 0
    package var writtenBytes: UInt64 = 0
    /// Everything that was handed to the socket.
    package var sentBytes: UInt64 = 0
    /// From the moment when a piece of a request was understood to the moment when its answer was
    /// ready to be sent.
    package var latency = LatencyHistogram()
  }

  /// Counts connections from 1 since the server started.
  package let number: UInt64
  /// The client's address as a person would write it.
  package let address: String
  package let since: ContinuousClock.Instant

  private let state = Mutex(Activity())

  init(number: UInt64, address: String) {
    self.number = number
    self.address = address
    since = .now
  }

  package var activity: Activity { state.withLock { $0 } }

  /// The canonical name of the export; nil before the client has entered one.
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

  /// A piece of a request is begun.
  ///
  /// - Returns: when.
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
