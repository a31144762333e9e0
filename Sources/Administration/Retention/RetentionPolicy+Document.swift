import CalendarTime
import ChunkFormat
import JSONText

extension RetentionPolicy {
  /// The rules, and the time zone, null for the local one.
  var json: JSON {
    .object(["rules": .array(rules.map(\.json)), "timeZone": .optional(timeZone)])
  }
}

extension RetentionRule {
  /// The tag of those that the rule is about; nil where it is about all.
  var tag: String? {
    switch self {
    case .tagged(let tag), .schedule(let tag, _, _): tag
    case .newest, .calendar, .within: nil
    }
  }

  fileprivate var json: JSON {
    switch self {
    case .newest(let count): Self.json("last", keep: count)
    case .calendar(let unit, let count): Self.json("\(unit)", keep: count)
    case .within(let span): Self.json("within", span: span)
    case .tagged(let tag): Self.json("tag", tag: tag)
    case .schedule(let tag, let interval, let count):
      Self.json("schedule", keep: count, span: interval, tag: tag)
    }
  }

  private static func json(
    _ kind: String, keep count: UInt32? = nil, span: CalendarSpan? = nil, tag: String? = nil
  ) -> JSON {
    .object([
      "kind": .string(kind), "keep": count.map { .integer(Int64($0)) } ?? .null,
      "span": .optional(span?.description), "tag": .optional(tag),
    ])
  }
}
