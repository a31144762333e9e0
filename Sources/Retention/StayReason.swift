package import ChunkFormat

/// Why a revision is kept.
package enum StayReason: Hashable, Sendable {
  /// A rule keeps this number of them; `number` is counted from 1, the newest.
  case slot(RetentionRule, number: Int)
  /// It is within the span of a rule.
  case young(RetentionRule)
  /// A rule keeps its tag.
  case tag(String)
  case protected
  /// Its marks cannot be read, so it may be protected.
  case unreadableMarks
  /// The newest of the job that is neither distrusted nor unusual.
  case newestUsable
  /// The newest of a job without a usable one.
  case newest
  /// Its time is in the future: a clock was wrong, and its age is unknown.
  case future
  /// It was made after this revision, which is kept, but its time is earlier: the clock had been
  /// set back.
  case madeAfter(RevisionID)
  /// A reader uses it now; the reader in words.
  case inUse(by: String)
}

extension StayReason: CustomStringConvertible {
  /// Short, for a column: `daily 3 of 7`.
  package var description: String {
    switch self {
    case .slot(let rule, let number): Self.text(of: rule, number: number)
    case .young(.schedule(let tag, let interval, let count)):
      "schedule \(tag), within \(count) × \(interval)"
    case .young(.within(let span)): "within \(span)"
    case .young(let rule): "\(rule)"
    case .tag(let tag): "tag \(tag)"
    case .protected: "protected"
    case .unreadableMarks: "its marks cannot be read; it may be protected"
    case .newestUsable: "newest usable revision"
    case .newest: "newest (no usable revision left)"
    case .future: "in the future"
    case .madeAfter(let parent):
      "made after \(parent.short) with a clock that was behind"
    case .inUse(let user): "pinned by \(user)"
    }
  }

  private static func text(of rule: RetentionRule, number: Int) -> String {
    switch rule {
    case .newest(let count): "last \(number) of \(count)"
    case .calendar(let unit, let count): "\(unit) \(number) of \(count)"
    case .schedule(let tag, _, let count): "schedule \(tag) \(number) of \(count)"
    case .within, .tagged: "\(rule)"
    }
  }
}
