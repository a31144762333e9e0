import Logging
import NBDProtocol
import NIOCore

// The part of a connection in the memory of all replies. The machine's window takes of it; here is
// what a list of exports takes, and what becomes of clients that keep memory to themselves.
extension ConnectionHandler {
  /// What a list of exports is counted as, whose length is not known beforehand.
  private static let listingCostBytes = 1 << 20

  static func openAccount(
    _ services: Services, _ record: ConnectionRecord, _ loop: any EventLoop
  ) -> MemoryAccount {
    MemoryAccount(
      of: services.memory, connection: record.number, loop: loop,
      patience: TimeAmount(services.configuration.stallTimeLimit),
      complain: { services.registry.dropStalled() })
  }

  /// Lists the exports once there is memory for that.
  func listWhenPossible(_ loop: any EventLoop) {
    isListingDue = !account.take(Self.listingCostBytes)
    if !isListingDue { list(loop) }
  }

  /// The list is made, and is sent with the next replies.
  func finishListing() { account.finish(Self.listingCostBytes) }

  /// There is memory again.
  func resume() {
    guard let context else { return }
    if isListingDue { listWhenPossible(context.eventLoop) }
    advance()
  }

  /// Closes the connection if its client has neither taken nor sent anything for long, though it
  /// should have; others wait for the memory.
  func dropIfStalled() {
    let limit = services.configuration.stallTimeLimit
    let owesPayload = machine.owesPayload
    guard let context, account.isStalled(for: TimeAmount(limit), owesPayload: owesPayload) else {
      return
    }
    services.report(
      .notice,
      "dropped a client: for \(limit) it \(owesPayload ? "sent no payload" : "took no reply"), "
        + "while others waited for memory", of: record)
    context.close(promise: nil)
  }
}
