/// The policies of a repository: the file `policy`, an envelope around fields (format, "Policies").
///
/// All its fields are critical: a version that ignored a rule would delete revisions that the rule
/// keeps.
package struct RetentionPolicies: Equatable, EnvelopedFile {
  package static let fileKind = RepositoryFileKind.policies
  package static let maximumFileBytes = 1 << 20
  package static var knownTags: Set<UInt16> { [Tag.policy, Tag.renaming] }

  /// For jobs without a policy of their own.
  package var standard: RetentionPolicy?
  package var jobs: [String: RetentionPolicy]
  /// A job that is being renamed, or whose renaming was interrupted. It is in this file so that it
  /// changes together with the policies, in one step.
  package var renaming: JobRenaming?

  package init(standard: RetentionPolicy? = nil, jobs: [String: RetentionPolicy] = [:]) {
    self.standard = standard
    self.jobs = jobs
  }

  /// - Throws: ``FormatError`` with `.invalidValue` for a name that breaks the rule of ``Name``, a
  ///   policy without rules, and a rule that keeps nothing.
  package func encodedFields() throws(FormatError) -> [UInt8] {
    var fields = FieldListWriter()
    if let standard {
      fields.field(Tag.policy, try Self.encode(standard, job: nil))
    }
    for (job, policy) in jobs.sorted(by: { $0.key < $1.key }) {
      fields.field(Tag.policy, try Self.encode(policy, job: Name.check(job, in: Self.structure)))
    }
    if let renaming {
      fields.field(Tag.renaming, try renaming.encoded(in: Self.structure))
    }
    return fields.bytes
  }

  private static func encode(
    _ policy: RetentionPolicy, job: String?
  ) throws(FormatError) -> [UInt8] {
    try policy.check(in: structure)
    var fields = FieldListWriter()
    if let job {
      fields.field(Tag.job, job)
    }
    for rule in policy.rules {
      fields.field(Tag.rule, rule.encoded())
    }
    if let timeZone = policy.timeZone {
      fields.field(Tag.timeZone, timeZone)
    }
    return fields.bytes
  }

  package init(fields: FieldList) throws(FormatError) {
    self.init()
    for value in fields.all(Tag.policy) {
      try add(FieldList(value, structure: Self.structure, known: Tag.ofPolicy))
    }
    renaming = try fields.atMostOne(Tag.renaming).map { value throws(FormatError) in
      try JobRenaming(encoded: value, in: Self.structure)
    }
  }

  private mutating func add(_ fields: FieldList) throws(FormatError) {
    let job = fields.all(Tag.job).isEmpty ? nil : try fields.text(Tag.job)
    var policy = RetentionPolicy(rules: [])
    for value in fields.all(Tag.rule) {
      policy.rules.append(try RetentionRule(encoded: value, in: Self.structure))
    }
    if !fields.all(Tag.timeZone).isEmpty {
      policy.timeZone = try fields.text(Tag.timeZone)
    }
    do throws(FormatError) {
      try policy.check(in: Self.structure)
      if let job { _ = try Name.check(job, in: Self.structure) }
    } catch {
      throw error.asCorruption
    }
    guard self[job] == nil else {
      throw .corrupt(
        Self.structure, expected: "one policy of \(job ?? "all jobs")", found: "another")
    }
    self[job] = policy
  }

  /// The policy that is set for `job` itself, if any. For nil, the standard policy.
  package subscript(job: String?) -> RetentionPolicy? {
    get { if let job { jobs[job] } else { standard } }
    set {
      if let job { jobs[job] = newValue } else { standard = newValue }
    }
  }

  private enum Tag {
    static let policy: UInt16 = 1 | FieldList.critical
    static let renaming: UInt16 = 2 | FieldList.critical
    // Of a policy.
    static let job: UInt16 = 1 | FieldList.critical
    static let rule: UInt16 = 2 | FieldList.critical
    static let timeZone: UInt16 = 3 | FieldList.critical
    static let ofPolicy: Set<UInt16> = [job, rule, timeZone]
  }
}

extension RetentionPolicy {
  /// Longer than any name in the system's database.
  private static let maximumZoneBytes = 200

  fileprivate func check(in structure: String) throws(FormatError) {
    guard !rules.isEmpty, Set(rules).count == rules.count else {
      throw FormatError(
        .invalidValue, in: structure, "a policy has one or more rules, and no two that are alike")
    }
    for rule in rules {
      try rule.check(in: structure)
    }
    guard let timeZone else { return }
    guard 1...Self.maximumZoneBytes ~= timeZone.utf8.count,
      timeZone.utf8.allSatisfy({ 0x21...0x7e ~= $0 })
    else {
      throw FormatError(
        .invalidValue, in: structure, "\(timeZone.debugDescription) is not the name of a time zone")
    }
  }
}

extension RetentionRule {
  private enum Code {
    static let newest: UInt8 = 0
    // 1 to 5 are units of the calendar.
    static let within: UInt8 = 6
    static let tagged: UInt8 = 7
    static let schedule: UInt8 = 8
  }

  fileprivate func encoded() -> [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .newest(let count):
      writer.write(Code.newest)
      writer.write(count)
    case .calendar(let unit, let count):
      writer.write(unit.rawValue)
      writer.write(count)
    case .within(let span):
      writer.write(Code.within)
      writer.write(span)
    case .tagged(let tag):
      writer.write(Code.tagged)
      writer.write(tag)
    case .schedule(let tag, let interval, let count):
      writer.write(Code.schedule)
      writer.write(count)
      writer.write(interval)
      writer.write(tag)
    }
    return writer.bytes
  }

  fileprivate init(
    encoded bytes: ArraySlice<UInt8>, in structure: String
  ) throws(FormatError) {
    var reader = ByteReader(bytes, structure: structure)
    let code: UInt8 = try reader.read()
    switch code {
    case Code.newest:
      self = .newest(count: try reader.read())
    case Code.within:
      self = .within(try reader.readSpan(in: structure))
    case Code.tagged:
      self = .tagged(try reader.readString())
    case Code.schedule:
      let count: UInt32 = try reader.read()
      let interval = try reader.readSpan(in: structure)
      self = .schedule(tag: try reader.readString(), interval: interval, count: count)
    default:
      guard let unit = CalendarUnit(rawValue: code) else {
        throw FormatError(
          .unsupported, in: structure,
          "rule \(code) is not supported; use a newer version of varve")
      }
      self = .calendar(unit, count: try reader.read())
    }
    try reader.finish()
  }

  fileprivate func check(in structure: String) throws(FormatError) {
    switch self {
    case .newest(0), .calendar(_, 0), .schedule(_, _, 0):
      throw FormatError(.invalidValue, in: structure, "\(self) keeps nothing")
    case .tagged(let tag), .schedule(let tag, _, _):
      _ = try Name.check(tag, in: structure)
    default: return
    }
  }
}

extension ByteWriter {
  fileprivate mutating func write(_ span: CalendarSpan) {
    write(span.months)
    write(span.days)
    write(span.hours)
  }
}

extension ByteReader {
  fileprivate mutating func readSpan(in structure: String) throws(FormatError) -> CalendarSpan {
    let (months, days, hours): (UInt32, UInt32, UInt32) = (try read(), try read(), try read())
    guard let span = CalendarSpan(months: months, days: days, hours: hours) else {
      throw .corrupt(
        structure, expected: "a span of time of up to ten thousand years",
        found: "\(months) months, \(days) days, \(hours) hours")
    }
    return span
  }
}

/// A renaming of a job that has begun, with all data needed to finish it (format, "Policies").
package struct JobRenaming: Equatable, Sendable {
  package let old: String
  package let new: String

  package init(from old: String, to new: String) {
    self.old = old
    self.new = new
  }

  func encoded(in structure: String) throws(FormatError) -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.old, try Name.check(old, in: structure))
    fields.field(Tag.new, try Name.check(new, in: structure))
    return fields.bytes
  }

  init(encoded bytes: ArraySlice<UInt8>, in structure: String) throws(FormatError) {
    let fields = try FieldList(bytes, structure: structure, known: [Tag.old, Tag.new])
    (old, new) = (try fields.text(Tag.old), try fields.text(Tag.new))
    do throws(FormatError) {
      for name in [old, new] { _ = try Name.check(name, in: structure) }
    } catch {
      throw error.asCorruption
    }
  }

  private enum Tag {
    static let old: UInt16 = 1 | FieldList.critical
    static let new: UInt16 = 2 | FieldList.critical
  }
}
