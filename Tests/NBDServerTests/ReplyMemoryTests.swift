import NBDTestSupport
import Glibc
import NBDServer
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import NBDServer

@Suite("Reply memory shared by accounts")
struct MemoryAccountTests {
  private let loop = EmbeddedEventLoop()
  /// Has shares of 1,000 bytes and a pool of 4,000.
  private let memory = ReplyMemory(limitBytes: 8000, connectionLimit: 4)

  private final class Counter { var count = 0 }

  private func account(_ number: UInt64, resumed: Counter = Counter()) -> MemoryAccount {
    let account = MemoryAccount(
      of: memory, connection: number, loop: loop, patience: .seconds(10), complain: {})
    account.resume = { resumed.count += 1 }
    return account
  }

  @Test("a share is always available")
  func share() {
    let greedy = account(1)
    #expect(greedy.take(5000))
    #expect(memory.pooledBytes == 4000)
    let modest = account(2)
    #expect(modest.take(600))
    #expect(modest.take(400))
    #expect(memory.pooledBytes == 4000)
  }

  @Test("memory is returned after the replies are sent, not before")
  func lifetime() throws {
    let account = account(1)
    #expect(account.take(3000))
    #expect(memory.pooledBytes == 2000)
    account.finish(3000)
    #expect(memory.pooledBytes == 2000)
    // The reply was shorter than expected.
    let promise = try #require(account.leave(replyBytes: 2500))
    #expect(memory.pooledBytes == 1500)
    promise.succeed()
    #expect(memory.pooledBytes == 0)
  }

  @Test("waiting connections are served in order and ask again")
  func order() throws {
    let (holder, first, second) = (account(1), Counter(), Counter())
    let (big, small) = (account(2, resumed: first), account(3, resumed: second))
    #expect(holder.take(5000))
    #expect(!big.take(4500))
    #expect(!big.take(4500))
    #expect(!small.take(1100))
    #expect(memory.waiterCount == 2)
    holder.finish(5000)
    #expect(holder.leave(replyBytes: 0) == nil)
    loop.run()
    #expect((first.count, second.count) == (1, 1))
    #expect(memory.pooledBytes == 3500 + 100)
    #expect(big.take(4500))
    #expect(small.take(1100))
    #expect(memory.pooledBytes == 3600)
  }

  @Test("no connection overtakes one that waits")
  func fairness() {
    let (holder, big, late) = (account(1), account(2), account(3))
    #expect(holder.take(3000))
    #expect(!big.take(4000))
    #expect(!late.take(1001))
    holder.close()
    loop.run()
    #expect(big.take(4000))
    #expect(late.take(1001))
  }

  @Test("memory that is too little for the first in the queue is not given to the second")
  func fairnessOfPartialRoom() {
    let (one, other, big, late) = (account(1), account(2), account(3), account(4))
    #expect(one.take(2000))
    #expect(other.take(3000))
    #expect(!big.take(5000))
    #expect(!late.take(1001))
    one.close()
    loop.run()
    #expect(memory.waiterCount == 2)
    #expect(memory.pooledBytes == 2000)
    other.close()
    loop.run()
    #expect(big.take(5000))
  }

  @Test("a connection leaves as much of the pool free as it holds")
  func restraint() {
    let (greedy, other) = (account(1), account(2))
    var taken = 0
    while greedy.take(500) { taken += 500 }
    #expect(taken == 1000 + 2000)
    #expect(other.take(1500))
  }

  @Test("the longest reply fits into the empty pool")
  func longest() {
    let (alone, other) = (account(1), account(2))
    #expect(alone.take(5000))
    #expect(other.take(1000))
    #expect(!other.take(1))
  }

  @Test("a connection that ends returns its memory and its place in the queue")
  func closing() {
    let resumed = Counter()
    let (holder, gone, next) = (account(1), account(2), account(3, resumed: resumed))
    #expect(holder.take(3000))
    #expect(!gone.take(5000))
    #expect(!next.take(2000))
    gone.close()
    loop.run()
    #expect(resumed.count == 1)
    holder.finish(3000)
    let leaving = holder.leave(replyBytes: 3000)
    holder.close()
    leaving?.fail(ChannelError.eof)
    next.close()
    loop.run()
    #expect(memory.pooledBytes == 0)
    #expect(memory.waiterCount == 0)
  }

  @Test("a client is stalled if it holds pool memory and neither takes nor sends")
  func stalling() throws {
    let account = account(1)
    let later = NIODeadline.now() + .seconds(20)
    #expect(account.take(3000))
    #expect(!account.isStalled(for: .seconds(10), owesPayload: false, now: later))
    #expect(account.isStalled(for: .seconds(10), owesPayload: true, now: later))
    account.finish(3000)
    let promise = try #require(account.leave(replyBytes: 3000))
    #expect(account.isStalled(for: .seconds(10), owesPayload: false, now: later))
    #expect(!account.isStalled(for: .seconds(30), owesPayload: false, now: later))
    promise.succeed()
    #expect(!account.isStalled(for: .seconds(10), owesPayload: true, now: later))
  }
}

@Suite("Reply memory with clients", .serialized)
struct ReplyMemoryTests {
  private let volume = MemoryVolume(sizeBytes: 4 << 20, isCached: false)

  private func greedy(_ server: RunningServer, count: Int) throws -> [RawClient] {
    try (0..<count).map { _ in
      let client = try server.enter(.simple)
      for cookie in 0..<16 as Range<UInt64> {
        client.send(Transmission.request(0, cookie: cookie, length: 1 << 20))
      }
      return client
    }
  }

  @Test("clients that do not read stay within the limit; small requests do not wait")
  func bound() throws {
    let server = try RunningServer(volume) {
      $0.replyMemoryBytes = 8 << 20
      $0.connectionLimit = 128
    }
    let clients = try greedy(server, count: 16)
    #expect(eventually { server.server.pooledReplyBytes >= 3 << 20 })
    usleep(300_000)
    #expect(server.server.pooledReplyBytes <= 4 << 20)
    // Bytes in the sockets use no memory here. Without the limit, each client has 4 MiB in its
    // channel.
    let sent = server.server.connections.reduce(0) { $0 + $1.sentBytes }
    #expect(sent < 16 * (3 << 20), "\(sent)")
    let polite = try server.enter()
    for cookie in 0..<100 as Range<UInt64> {
      polite.send(Transmission.request(0, cookie: cookie, offset: cookie << 12, length: 4096))
      #expect(try polite.receiveChunk().cookie == cookie)
    }
    _ = clients
  }

  @Test("a client that takes nothing while others wait is disconnected")
  func stalled() throws {
    let server = try RunningServer(volume) {
      $0.replyMemoryBytes = 8 << 20
      $0.stallTimeLimit = .milliseconds(300)
    }
    let clients = try greedy(server, count: 16)
    let patient = try server.enter(.simple)
    patient.send(Transmission.request(0, cookie: 1, length: 4 << 20))
    #expect(try patient.receive(16) == Transmission.simpleReply(cookie: 1))
    #expect(try patient.receive(4 << 20).count == 4 << 20)
    #expect(eventually { server.log.all.contains { $0.contains("took no reply") } })
    _ = clients
  }

  @Test("a slow client is not disconnected while nobody waits")
  func slowButAlone() throws {
    let server = try RunningServer(volume) {
      $0.replyMemoryBytes = 8 << 20
      $0.stallTimeLimit = .milliseconds(50)
    }
    let client = try greedy(server, count: 1)[0]
    usleep(400_000)
    // Replies may come in any order.
    var owed = Set((0..<16).map { Transmission.simpleReply(cookie: $0) })
    while !owed.isEmpty {
      try #require(owed.remove(try client.receive(16)) != nil)
      #expect(try client.receive(1 << 20).count == 1 << 20)
    }
  }

  @Test("the memory of clients that have gone is returned")
  func nothingLeaks() throws {
    let server = try RunningServer(volume)
    for _ in 0..<5 { _ = try greedy(server, count: 10) }
    #expect(eventually { server.server.connections.isEmpty && server.server.pooledReplyBytes == 0 })
  }
}
