/// A time zone: converts between moments and the time on its clocks. It is a value, independent of
/// the C library and of the environment.
package struct TimeZone: Sendable {
  private enum Source {
    case fixed(offset: Int)
    case rule(TimeZoneRule)
    case file(TimeZoneFile)
  }

  private let source: Source

  /// The reason why this zone is UTC and not the configured zone; nil if the zone is right. Only
  /// ``system`` can have a fault.
  package let fault: String?

  /// A zone with a fixed offset, in seconds east of UTC.
  package static func fixed(offsetSeconds: Int) -> TimeZone {
    TimeZone(.fixed(offset: offsetSeconds))
  }

  package static let utc = fixed(offsetSeconds: 0)

  private init(_ source: Source, fault: String? = nil) {
    self.source = source
    self.fault = fault
  }

  init(_ file: TimeZoneFile) { self.init(.file(file)) }

  init(_ rule: TimeZoneRule) { self.init(.rule(rule)) }

  /// UTC instead of the configured zone, with the reason.
  init(fault: String) { self.init(.fixed(offset: 0), fault: fault) }

  // MARK: From UTC

  /// The time that the clock shows at `moment`, to the second.
  package func time(of moment: Timestamp) -> CivilTime {
    let seconds = moment.secondsSince1970
    return CivilTime(secondsSince1970: seconds + Int64(offset(at: seconds)))
  }

  /// `2026-11-20 14:30:15`, for people.
  package func text(of moment: Timestamp) -> String {
    time(of: moment).text.replacing("T", with: " ")
  }

  /// How far the clock is ahead of UTC, in seconds, at a moment in seconds since 1970.
  func offset(at moment: Int64) -> Int {
    switch source {
    case .fixed(let offset): offset
    case .rule(let rule): rule.offset(at: moment)
    case .file(let file): file.offset(at: moment)
    }
  }

  // MARK: To UTC

  /// The largest distance between a time on any clock and the same time on a clock in UTC.
  private static let farthestSeconds: Int64 = 27 * 3600

  /// The moment at which the clock shows `time`; nil if ``Timestamp`` cannot express it. All fields
  /// except the month may exceed their ranges. If clocks are set back, a time occurs twice: this is
  /// the first moment. If clocks are set forward, a time is skipped: this is the moment at which
  /// clocks would show it if they had not been set.
  package func moment(of time: CivilTime) -> Timestamp? {
    Timestamp(secondsSince1970: seconds(of: time))
  }

  /// The last moment at which the clock shows `time`. It differs from ``moment(of:)`` only if the
  /// time occurs twice.
  package func lastMoment(of time: CivilTime) -> Timestamp? {
    let (local, first) = (time.secondsSince1970, seconds(of: time))
    let later = transitions(from: first, to: first + Self.farthestSeconds)
      .map { local - Int64($0.offset) }
      .last { $0 > first && Int64(offset(at: $0)) == local - $0 }
    return Timestamp(secondsSince1970: later ?? first)
  }

  private func seconds(of time: CivilTime) -> Int64 {
    let local = time.secondsSince1970
    var offset = self.offset(at: local - Self.farthestSeconds)
    for next in transitions(from: local - Self.farthestSeconds, to: local + Self.farthestSeconds) {
      // Stop if the clock shows the time before this transition, or would show it without the
      // transition.
      guard local - Int64(max(offset, next.offset)) >= next.moment else { break }
      offset = next.offset
    }
    return local - Int64(offset)
  }

  /// The moments after `start`, up to `end`, at which clocks are set, and how far they are ahead of
  /// UTC from that moment on.
  private func transitions(from start: Int64, to end: Int64) -> [(moment: Int64, offset: Int)] {
    let all: [(moment: Int64, offset: Int)] =
      switch source {
      case .fixed: []
      case .rule(let rule): rule.transitions(from: start, to: end)
      case .file(let file): file.transitions(from: start, to: end)
      }
    return all.filter { start < $0.moment && $0.moment <= end }
  }
}

extension TimeZoneRule {
  fileprivate func transitions(from start: Int64, to end: Int64) -> [(moment: Int64, offset: Int)] {
    let years =
      CivilTime(secondsSince1970: start).year - 1...CivilTime(secondsSince1970: end).year + 1
    return years.flatMap(transitions(inYear:))
  }
}

extension TimeZoneFile {
  fileprivate func offset(at moment: Int64) -> Int {
    if let rule, transitions.last.map({ $0 <= moment }) ?? true { return rule.offset(at: moment) }
    let after = transitions.partitioningIndex { $0 > moment }
    return after == 0 ? initialOffset : offsets[after - 1]
  }

  fileprivate func transitions(from start: Int64, to end: Int64) -> [(moment: Int64, offset: Int)] {
    let listed =
      transitions.partitioningIndex { $0 > start }..<transitions.partitioningIndex { $0 > end }
    let last = transitions.last ?? .min
    let ruled = end > last ? rule?.transitions(from: start, to: end) ?? [] : []
    return listed.map { (transitions[$0], offsets[$0]) } + ruled.filter { $0.moment > last }
  }
}

extension [Int64] {
  /// The first index for which `predicate` is true; `count` if there is none. If `predicate` is
  /// true for an element, it must be true for all later elements.
  fileprivate func partitioningIndex(where predicate: (Int64) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
