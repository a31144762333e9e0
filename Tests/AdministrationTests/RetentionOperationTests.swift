import EngineTestSupport
import Administration
import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText
import TestSupport
import Testing

@Suite("Retention, without a process")
struct RetentionOperationTests {
  private let office: Office

  init() throws { office = try Office() }

  private func prune(_ change: (inout PruneRequest) -> Void = { _ in }) throws -> PruneOutcome {
    var request = PruneRequest()
    change(&request)
    return try request.run(on: office.repository, context: office.place.context)
  }

  private var count: Int { get throws { try office.repository.revisions().entries.count } }

  private func newest(_ number: UInt32) -> RetentionPolicy {
    RetentionPolicy(rules: [.newest(count: number)])
  }

  @Test("pruning keeps what the rules keep; a dry run deletes nothing")
  func pruning() throws {
    for byte in 1...4 { try office.backUp(byte: UInt8(byte)) }
    let dry = try prune {
      $0.policy = newest(2)
      $0.isDryRun = true
    }
    #expect(dry.survey.going.count == 2 && !dry.isCarriedOut)
    #expect(try count == 4)
    let done = try prune { $0.policy = newest(2) }
    #expect(done.json["forgottenRevisions"]?.count == 2)
    #expect(try count == 2)
  }

  @Test("without rules pruning is refused")
  func noRules() throws {
    try office.backUp()
    guard case .policy(.noRules) = #expect(throws: Refusal.self, performing: { try prune() })
    else { return #expect(Bool(false), "another refusal") }
    _ = try PolicyStoringRequest(newest(1), for: "db01").run(on: office.repository)
    guard
      case .policy(.nothingToApply(job: "web01")) = #expect(
        throws: Refusal.self, performing: { try prune() })
    else { return #expect(Bool(false), "another refusal") }
  }

  @Test("more than half needs a confirmation, and an unreadable revision prevents it")
  func doubts() throws {
    for byte in 1...8 { try office.backUp(byte: UInt8(byte)) }
    let asked = try prune { $0.policy = newest(1) }
    guard case .doubts = asked.obstacle else {
      return #expect(Bool(false), "\(String(describing: asked.obstacle))")
    }
    #expect(asked.json["doubts"]?.elements.count == 1)
    #expect(try count == 8)
    try office.spoil(try office.backUp("db01", byte: 9))
    let stopped = try prune {
      $0.policy = newest(1)
      $0.isConfirmed = true
    }
    guard case .unreadable = stopped.obstacle else {
      return #expect(Bool(false), "\(String(describing: stopped.obstacle))")
    }
    #expect(try count == 8)
  }

  @Test("a report that cannot be delivered prevents the deletion")
  func undelivered() throws {
    struct Full: Error {}
    for byte in 1...2 { try office.backUp(byte: UInt8(byte)) }
    var request = PruneRequest()
    request.policy = newest(1)
    #expect(throws: Full.self) {
      try request.run(on: office.repository, context: office.place.context) { _ in throw Full() }
    }
    #expect(throws: Full.self) {
      try ForgetRequest(.revisions([reference("web01@1")])).run(on: office.repository) { _ in
        throw Full()
      }
    }
    #expect(try count == 2)
  }

  private func forget(
    _ choice: ForgetRequest.Choice, _ change: (inout ForgetRequest) -> Void = { _ in }
  ) throws -> ForgetOutcome {
    var request = ForgetRequest(choice)
    change(&request)
    return try request.run(on: office.repository)
  }

  /// Why a request to forget is refused.
  private func refusal(_ choice: ForgetRequest.Choice) throws -> Refusal.OfForgetting? {
    do {
      _ = try forget(choice)
      return nil
    } catch {
      let cause = (error as? NoticedFailure)?.cause ?? error
      guard case .forgetting(let refusal) = cause as? Refusal else { throw error }
      return refusal
    }
  }

  @Test("what may be a mistake is refused with its reason")
  func refusals() throws {
    let first = try office.backUp(byte: 1)
    guard case .namesJob("web01") = try refusal(.revisions([reference("web01")])) else {
      return #expect(Bool(false), "the name of a job")
    }
    guard case .wouldLeaveNone(job: "web01") = try refusal(.job("web01")) else {
      return #expect(Bool(false), "the last revision")
    }
    let second = try office.backUp(byte: 2)
    try office.repository.updateMarks(of: first) { $0.distrust(at: 5, canBeUndone: true) }
    guard
      case .wouldLeaveNoneUsable(job: "web01", left: 1) = try refusal(
        .revisions([reference("\(second)")]))
    else { return #expect(Bool(false), "the last usable revision") }
    try office.repository.updateMarks(of: second) { $0.isProtected = true }
    guard case .protected(let held) = try refusal(.revisions([reference("\(second)")])) else {
      return #expect(Bool(false), "a protected revision")
    }
    #expect(held.map(\.id) == [second])
    let lost = try office.backUp("db01", byte: 3)
    try office.spoil(lost)
    guard case .unreadable(lost) = try refusal(.revisions([reference("\(lost)")])) else {
      return #expect(Bool(false), "an unreadable revision")
    }
    guard
      case .mayMeanUnreadable(name: "web01@first", lost) = try refusal(
        .revisions([reference("web01@first")]))
    else { return #expect(Bool(false), "a name that an unreadable revision may be meant by") }
    let done = try forget(.revisions([reference("\(lost)")])) { $0.isConfirmed = true }
    #expect(done.json["unreadableRevisions"]?.strings == ["\(lost)"])
  }

  @Test("policies are stored, shown and removed, and doubtful names told")
  func policies() throws {
    try office.backUp()
    let policy = RetentionPolicy(rules: [.tagged("golden")])
    let stored = try PolicyStoringRequest(policy, for: "db01").run(on: office.repository)
    let doubts = try stored.doubts.get()
    #expect(doubts.unknownTags == ["golden"] && doubts.unknownJob != nil)
    guard
      case .policy(.none(job: "web01")) = #expect(
        throws: Refusal.self,
        performing: { try PolicyRequest(job: "web01").run(on: office.repository) })
    else { return #expect(Bool(false), "another refusal") }
    _ = try PolicyStoringRequest(newest(3), for: nil).run(on: office.repository)
    let shown = try PolicyRequest(job: "web01").run(on: office.repository)
    let document = shown.json { "\($0.rules.count) rules" }
    #expect(document["isDefault"] == .bool(true) && document["options"]?.string == "1 rules")
    let list = try PolicyListRequest().run(on: office.repository)
    #expect(list.json { _ in "" }.elements.count == 2)
    #expect(try PolicyRemovalRequest(job: "db01").run(on: office.repository).job == "db01")
    guard
      case .policy(.notStored(job: "db01")) = #expect(
        throws: Refusal.self,
        performing: { try PolicyRemovalRequest(job: "db01").run(on: office.repository) })
    else { return #expect(Bool(false), "another refusal") }
  }
}
