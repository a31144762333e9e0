import Logging
import NBDProtocol
import NIOCore

// How a connection uses the memory that all replies share. The window of the state machine takes
// memory for requests. This file takes memory for lists of exports, and disconnects clients that
// hold memory for too long.
extension ConnectionHandler {
  /// The memory reserved for a list of exports, because its length is not known beforehand.
  private static let listingCostBytes = 1 << 20

  static func openAccount(
    _ services: Services, _ record: ConnectionRecord, _ loop: any EventLoop
  ) -> MemoryAccount {
    MemoryAccount(
      of: services.memory, connection: record.number, loop: loop,
      patience: TimeAmount(services.configuration.stallTimeLimit),
      complain: { services.registry.dropStalled() })
  }

  /// Lists the exports as soon as there is memory for it.
  func listWhenPossible(_ loop: any EventLoop) {
    isListingDue = !account.take(Self.listingCostBytes)
    if !isListingDue { list(loop) }
  }

  /// The list is complete and is sent with the next replies.
  func finishListing() { account.finish(Self.listingCostBytes) }

  /// Continues after waiting for memory.
  func resume() {
    guard let context else { return }
    if isListingDue { listWhenPossible(context.eventLoop) }
    advance()
  }

  /// Closes the connection if its client has neither taken a reply nor sent a payload that it owes
  /// for too long while other connections wait for memory.
  func dropIfStalled() {
    let limit = services.configuration.stallTimeLimit
    let owesPayload = machine.owesPayload
    guard let context, account.isStalled(for: TimeAmount(limit), owesPayload: owesPayload) else {
      return
    }
    services.report(
      .notice,
      "dropped a client: it \(owesPayload ? "sent no payload" : "took no reply") for \(limit) "
        + "while other clients waited for memory", of: record)
    context.close(promise: nil)
  }
}
