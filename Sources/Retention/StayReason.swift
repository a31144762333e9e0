package import ChunkFormat

/// Why a revision stays.
package enum StayReason: Hashable, Sendable {
  /// It is one of the so many that a rule keeps, `number` counted from 1, the newest.
  case slot(RetentionRule, number: Int)
  /// It is young enough for a rule.
  case young(RetentionRule)
  /// It has the tag that a rule keeps.
  case tag(String)
  case protected
  /// It may be protected: what is said of it cannot be read.
  case unreadableMarks
  /// The newest of the job that is neither distrusted nor unusual.
  case newestUsable
  /// The newest of a job that has no usable one.
  case newest
  /// Its time is yet to come: a clock is wrong, and nobody knows how old it is.
  case future
  /// It was made after this revision, which stays, though its time is before that one's: the clock had
  /// been set back.
  case madeAfter(RevisionID)
  /// Somebody reads it now; who, in words.
  case inUse(by: String)
}

extension StayReason: CustomStringConvertible {
  /// Short, as in a column: `daily 3 of 7`.
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
