import NIOCore
import Synchronization

/// The open connections, up to a limit.
final class ConnectionRegistry: Sendable {
  /// The requests that any thread can make to a connection. The connection carries them out on its
  /// event loop.
  struct Orders: Sendable {
    /// Shuts down the connection, because the server stops.
    let shutDown: @Sendable () -> Void
    let dropIfStalled: @Sendable () -> Void
  }

  private struct Entry {
    let record: ConnectionRecord
    let channel: any Channel
    let orders: Orders
  }

  private struct State {
    var entries: [UInt64: Entry] = [:]
    var connectionCount: UInt64 = 0
    var isShuttingDown = false
    var whenEmpty: EventLoopPromise<Void>?
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  var records: [ConnectionRecord] {
    state.withLock { $0.entries.values.map(\.record) }.sorted { $0.number < $1.number }
  }

  /// Whether exactly one connection is open.
  var hasOne: Bool { state.withLock { $0.entries.count == 1 } }

  /// Creates a record for a new connection. Nil if the limit is reached or the server stops.
  func admit(_ address: String) -> ConnectionRecord? {
    state.withLock { state in
      guard !state.isShuttingDown, state.entries.count < limit else { return nil }
      state.connectionCount += 1
      return ConnectionRecord(number: state.connectionCount, address: address)
    }
  }

  /// Adds a connection, until its channel closes.
  func add(_ record: ConnectionRecord, _ channel: any Channel, _ orders: Orders) {
    let isLate = state.withLock { state in
      state.entries[record.number] = Entry(record: record, channel: channel, orders: orders)
      return state.isShuttingDown
    }
    channel.closeFuture.whenComplete { _ in self.remove(record.number) }
    if isLate { orders.shutDown() }
  }

  private func remove(_ number: UInt64) {
    let promise = state.withLock { state in
      state.entries[number] = nil
      return state.entries.isEmpty ? state.whenEmpty.take() : nil
    }
    promise?.succeed()
  }

  /// Closes every connection whose client holds memory that others need and takes no reply.
  func dropStalled() {
    let entries = state.withLock { Array($0.entries.values) }
    for entry in entries { entry.orders.dropIfStalled() }
  }

  /// Asks every connection to finish, and completes the promise when the last one has closed. No
  /// new connections are admitted from now on.
  func shutDown(whenEmpty promise: EventLoopPromise<Void>) {
    for entry in entries(whenGone: promise) { entry.orders.shutDown() }
  }

  /// Closes every connection at once, and completes the promise when the last one has closed. Under
  /// TLS, closing takes a while.
  func closeAll(whenEmpty promise: EventLoopPromise<Void>) {
    for entry in entries(whenGone: promise) { entry.channel.close(promise: nil) }
  }

  private func entries(whenGone promise: EventLoopPromise<Void>) -> [Entry] {
    let entries = state.withLock { state in
      state.isShuttingDown = true
      if !state.entries.isEmpty { state.whenEmpty = promise }
      return Array(state.entries.values)
    }
    if entries.isEmpty { promise.succeed() }
    return entries
  }
}
