/// The content of a file of the time zone database (RFC 8536, "The Time Zone Information Format").
///
///     header  "TZif" · 1 version · 15 reserved · six counts of 4 bytes each: UT indicators, standard-time
///             indicators, leap seconds, transitions, time types, bytes of designations
///     block   moments of transitions · for each transition the number of its time type, 1 byte ·
///             time types of 6 bytes: 4 offset, 1 daylight saving, 1 designation · designations ·
///             leap seconds · standard-time indicators · UT indicators
///     footer  newline · rule · newline
///
/// Numbers are big-endian. In the first block a moment has 4 bytes. Files of version 2 and later continue
/// with a second header, a block whose moments have 8 bytes, and the footer.
struct TimeZoneFile: Equatable, Sendable {
  /// The moments at which clocks are set, in seconds since 1970, ascending.
  let transitions: [Int64]
  /// How far the clock is ahead of UTC from each transition on, in seconds.
  let offsets: [Int]
  /// How far the clock is ahead of UTC before the first transition, in seconds.
  let initialOffset: Int
  /// The rule for moments after the last transition; nil if the file has no rule.
  let rule: TimeZoneRule?

  /// The largest file that is read. Files of the database have up to 4 KiB.
  static let maximumBytes = 64 << 10
  private static let headerBytes = 44
  /// The possible distances of a clock from UTC, in seconds, with a margin (section 3.2).
  private static let possibleOffsets = -26 * 3600...26 * 3600

  private struct Counts {
    let (universalMarks, standardMarks, leapSeconds): (Int, Int, Int)
    let (transitions, types, nameBytes): (Int, Int, Int)

    func blockBytes(momentBytes: Int) -> Int {
      transitions * (momentBytes + 1) + types * 6 + nameBytes + leapSeconds * (momentBytes + 4)
        + standardMarks + universalMarks
    }
  }

  /// Reads a file; nil for other content, and for a zone that counts leap seconds, since
  /// ``Timestamp`` does not count them.
  init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.maximumBytes, let (version, first) = Self.header(bytes, at: 0) else {
      return nil
    }
    guard version != 0 else {
      self.init(bytes, at: Self.headerBytes, momentBytes: 4, first, rule: nil)
      return
    }
    let start = Self.headerBytes + first.blockBytes(momentBytes: 4)
    guard let (_, counts) = Self.header(bytes, at: start) else { return nil }
    let block = start + Self.headerBytes
    let footer = block + counts.blockBytes(momentBytes: 8)
    guard footer < bytes.count, bytes[footer] == UInt8(ascii: "\n"),
      let end = bytes[(footer + 1)...].firstIndex(of: UInt8(ascii: "\n"))
    else { return nil }
    let text = String(decoding: bytes[(footer + 1)..<end], as: UTF8.self)
    let rule = TimeZoneRule(text)
    guard rule != nil || text.isEmpty else { return nil }
    self.init(bytes, at: block, momentBytes: 8, counts, rule: rule)
  }

  private init?(
    _ bytes: [UInt8], at block: Int, momentBytes: Int, _ counts: Counts, rule: TimeZoneRule?
  ) {
    guard block + counts.blockBytes(momentBytes: momentBytes) <= bytes.count, counts.types > 0,
      counts.leapSeconds == 0
    else { return nil }
    let kinds = block + counts.transitions * momentBytes
    let types = kinds + counts.transitions
    let known = (0..<counts.types).map { Int(Self.number(bytes, at: types + $0 * 6, bytes: 4)) }
    let used = bytes[kinds..<types].map(Int.init)
    transitions = (0..<counts.transitions).map {
      Self.number(bytes, at: block + $0 * momentBytes, bytes: momentBytes)
    }
    guard known.allSatisfy(Self.possibleOffsets.contains), used.allSatisfy({ $0 < known.count }),
      zip(transitions, transitions.dropFirst()).allSatisfy(<)
    else { return nil }
    offsets = used.map { known[$0] }
    initialOffset = known[0]
    self.rule = rule
  }

  private static func header(_ bytes: [UInt8], at start: Int) -> (version: UInt8, Counts)? {
    guard start + headerBytes <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8)
    else { return nil }
    let numbers = (0..<6).map { Int(number(bytes, at: start + 20 + $0 * 4, bytes: 4)) }
    // Refuse numbers above the limit of the file's size, so that the sums below stay small.
    guard numbers.allSatisfy({ 0...maximumBytes ~= $0 }) else { return nil }
    return (
      bytes[start + 4],
      Counts(
        universalMarks: numbers[0], standardMarks: numbers[1], leapSeconds: numbers[2],
        transitions: numbers[3], types: numbers[4], nameBytes: numbers[5])
    )
  }

  /// A signed number of 4 or 8 bytes. The caller has checked that it lies within `bytes`.
  private static func number(_ bytes: [UInt8], at start: Int, bytes count: Int) -> Int64 {
    let bits = bytes[start..<start + count].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return count == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
  }
}
