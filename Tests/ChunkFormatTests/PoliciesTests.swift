import Testing

@testable import ChunkFormat

@Suite struct PoliciesTests {
  private static func encode(
    _ policies: RetentionPolicies, keys: RepositoryKeys? = nil
  ) throws -> [UInt8] {
    try policies.encoded(repository: Sample.repository, keys: keys)
  }

  private static func decode(
    _ bytes: [UInt8], keys: RepositoryKeys? = nil
  ) throws(FormatError) -> RetentionPolicies {
    try RetentionPolicies(encoded: bytes, repository: Sample.repository, keys: keys)
  }

  /// A file with one policy of these rules, encoded by hand.
  private static func file(rules: [[UInt8]], times: Int = 1) throws -> [UInt8] {
    var policy = FieldListWriter()
    for rule in rules { policy.field(0x8002, rule) }
    var fields = FieldListWriter()
    for _ in 0..<times { fields.field(0x8001, policy.bytes) }
    return try Envelope.encode(
      fields.bytes, kind: .policies, repository: Sample.repository, keys: nil, limitBytes: 1000)
  }

  @Test(arguments: [nil, Sample.keys]) func readBackUnchanged(_ keys: RepositoryKeys?) throws {
    for policies in [Sample.policies, RetentionPolicies()] {
      #expect(try Self.decode(Self.encode(policies, keys: keys), keys: keys) == policies)
    }
  }

  @Test func theOrderOfJobsDoesNotMatter() throws {
    var (first, second) = (RetentionPolicies(), RetentionPolicies())
    let policy = RetentionPolicy(rules: [.newest(count: 1)])
    for number in 0..<20 { first["job\(number)"] = policy }
    for number in (0..<20).reversed() { second["job\(number)"] = policy }
    #expect(try Self.encode(first) == Self.encode(second))
  }

  @Test(
    "neither written nor read",
    arguments: [
      RetentionPolicy(rules: []), RetentionPolicy(rules: [.newest(count: 0)]),
      RetentionPolicy(rules: [.calendar(.day, count: 0)]),
      RetentionPolicy(rules: [.newest(count: 1), .newest(count: 1)]),
      RetentionPolicy(rules: [.tagged("two words")]),
      RetentionPolicy(rules: [
        .schedule(tag: "a/b", interval: Sample.span(days: 1), count: 1)
      ]),
      RetentionPolicy(rules: [.newest(count: 1)], timeZone: ""),
      RetentionPolicy(rules: [.newest(count: 1)], timeZone: "Europe/\u{1b}[2J"),
    ])
  func refused(_ policy: RetentionPolicy) {
    let error = #expect(throws: FormatError.self) {
      try Self.encode(RetentionPolicies(standard: policy))
    }
    #expect(error?.code == .invalidValue)
  }

  @Test func jobsHaveNames() {
    let policy = RetentionPolicy(rules: [.newest(count: 1)])
    #expect(throws: FormatError.self) {
      try Self.encode(RetentionPolicies(jobs: ["two words": policy]))
    }
  }

  @Test(
    "damage",
    arguments: [
      [[]], [[0, 0, 0, 0, 0]], [[2, 7, 0, 0]], [[2, 7, 0, 0, 0, 0]], [[7]],
      [[7, 1, 0, 0, 0, 0x20]],
      [[6] + [UInt8](repeating: 0, count: 12)], [[6] + [UInt8](repeating: 0xff, count: 12)],
      [], [[0, 1, 0, 0, 0], [0, 1, 0, 0, 0]],
    ] as [[[UInt8]]])
  func damagedRules(rules: [[UInt8]]) throws {
    let bytes = try Self.file(rules: rules)
    let error = #expect(throws: FormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == .corrupt)
  }

  @Test func twoPoliciesOfOneJobAreDamage() throws {
    #expect(try Self.decode(Self.file(rules: [[0, 1, 0, 0, 0]])).standard != nil)
    let bytes = try Self.file(rules: [[0, 1, 0, 0, 0]], times: 2)
    let error = #expect(throws: FormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == .corrupt)
  }

  /// A program that ignored a rule would forget revisions that the rule keeps.
  @Test func aRuleOfALaterProgramIsRefusedByName() throws {
    let bytes = try Self.file(rules: [[9, 1, 0, 0, 0]])
    let error = #expect(throws: FormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("rule 9") == true)
  }

  @Test func moreThanAReaderLoadsIsNotWritten() {
    let policy = RetentionPolicy(
      rules: (0..<6000).map { .tagged("\($0)" + String(repeating: "x", count: 190)) })
    let error = #expect(throws: FormatError.self) {
      try Self.encode(RetentionPolicies(standard: policy))
    }
    #expect(error?.code == .invalidValue)
  }

  @Test func aJobThatIsBeingRenamed() throws {
    var policies = Sample.policies
    policies.renaming = JobRenaming(from: "web01", to: "web02")
    #expect(try Self.decode(Self.encode(policies)) == policies)
    policies.renaming = JobRenaming(from: "web01", to: "two words")
    #expect(throws: FormatError.self) { try Self.encode(policies) }
  }
}
