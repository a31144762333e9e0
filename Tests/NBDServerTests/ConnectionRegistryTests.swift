import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import NBDServer

@Suite("Connections that arrive while the server stops")
struct ConnectionRegistryTests {
  private let channel = EmbeddedChannel()
  private let registry = ConnectionRegistry(limit: 2)

  private final class Orders: Sendable {
    let shutDownCount = Atomic(0)
  }

  private func add(_ record: ConnectionRecord) -> Orders {
    let orders = Orders()
    registry.add(
      record, channel,
      ConnectionRegistry.Orders(
        shutDown: { orders.shutDownCount.add(1, ordering: .relaxed) }, dropIfStalled: {}))
    return orders
  }

  private func shutDown() -> EventLoopFuture<Void> {
    let promise = channel.eventLoop.makePromise(of: Void.self)
    registry.shutDown(whenEmpty: promise)
    return promise.futureResult
  }

  @Test("a connection that arrives later is not admitted")
  func later() throws {
    _ = try #require(registry.admit("before"))
    try shutDown().wait()
    #expect(registry.admit("after") == nil)
  }

  @Test("a connection that was admitted before and is added after is shut down")
  func late() throws {
    let (first, second) = (
      try #require(registry.admit("first")), try #require(registry.admit("second"))
    )
    let orders = add(first)
    #expect(orders.shutDownCount.load(ordering: .relaxed) == 0)
    let end = shutDown()
    #expect(orders.shutDownCount.load(ordering: .relaxed) == 1)
    let late = add(second)
    #expect(late.shutDownCount.load(ordering: .relaxed) == 1)
    // Runs the event loop, which completes the promise.
    _ = try channel.finish()
    try end.wait()
  }
}
