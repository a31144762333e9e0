import ObjectStorage
import Testing

@Suite("Session protocol: large lists")
struct WorkTests {
  /// Copying what was read so far at each step would take hours.
  @Test("The time for a list grows with its length only", .timeLimit(.minutes(1)))
  func linear() throws {
    let count = 200_000
    var list = ListRevisions()
    var step = try list.start(at: .zero)
    var sent = 0
    while case .ask(let request) = step {
      guard case .list(.revisions, let after) = request.action else {
        step = try list.take(.page(ObjectPage([], hasMore: false)), at: .zero)
        continue
      }
      let digits = String((Int(after) ?? 0) + 1)
      let next = String(repeating: "0", count: 64 - digits.utf8.count) + digits
      sent += 1
      step = try list.take(.page(ObjectPage([next], hasMore: sent < count)), at: .zero)
    }
    guard case .done(let names) = step else { return }
    #expect(names.count == count)
  }
}
