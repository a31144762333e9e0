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
        step = try list.take(.page([], more: false), at: .zero)
        continue
      }
      let next = (Int(after.dropFirst()) ?? 1_000_000) + 1
      sent += 1
      step = try list.take(.page(["r\(next)"], more: sent < count), at: .zero)
    }
    guard case .done(let names) = step else { return }
    #expect(names.count == count)
  }
}
