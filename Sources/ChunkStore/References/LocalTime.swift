package import ChunkFormat

/// The clock on the wall: what translates between moments and what people write and read.
package struct LocalTime: Sendable {
  /// Seconds since 1970 at which the clock shows a time; nil where the system cannot tell. Fields
  /// may exceed their ranges. Of a time that comes twice, when clocks are set back, one is taken;
  /// one that is skipped counts as if clocks had not been set.
  let seconds: @Sendable (CivilTime) -> Int64?
  private let civilTime: @Sendable (Int64) -> (time: CivilTime, offsetSeconds: Int)

  /// The zone of the environment variable `TZ`, else of the system.
  package static let system = LocalTime(library: .system)

  /// Why this is UTC instead of the zone that was meant; nil if the zone is right. Only ``system`` can have
  /// one.
  package let fault: String?

  /// A zone of the system's database, such as `Europe/Berlin`; nil where there is none of this name.
  package static func named(_ name: String) -> LocalTime? {
    if name == "UTC" { return .fixed(offsetSeconds: 0) }
    return LibraryZone(named: name).map(LocalTime.init(library:))
  }

  private init(library zone: LibraryZone) {
    fault = zone.unknownName.map {
      "the variable TZ is '\($0)', which is no time zone that this machine knows; set it to a name such "
        + "as Europe/Berlin, and install the time zones (Debian's package tzdata) if they are missing"
    }
    seconds = zone.seconds(of:)
    civilTime = zone.civilTime(at:)
  }

  private init(
    seconds: @escaping @Sendable (CivilTime) -> Int64?,
    civilTime: @escaping @Sendable (Int64) -> (time: CivilTime, offsetSeconds: Int)
  ) {
    fault = nil
    self.seconds = seconds
    self.civilTime = civilTime
  }

  /// A zone that is always `seconds` east of UTC.
  package static func fixed(offsetSeconds: Int) -> LocalTime {
    LocalTime(
      seconds: { $0.secondsSince1970 - Int64(offsetSeconds) },
      civilTime: { (CivilTime(secondsSince1970: $0 + Int64(offsetSeconds)), offsetSeconds) })
  }

  /// What the clock shows at `moment`.
  package func time(of moment: Nanoseconds) -> CivilTime {
    civilTime(moment.wholeSeconds).time
  }

  /// When the clock shows `time`, as ``seconds`` has it; nil where the system cannot tell, or moments
  /// cannot express it.
  package func moment(of time: CivilTime) -> Nanoseconds? {
    guard let (moment, overflows) = seconds(time)?.multipliedReportingOverflow(by: 1_000_000_000),
      !overflows
    else { return nil }
    return moment
  }

  /// `2026-11-20 14:30:15`, for people.
  package func text(of moment: Nanoseconds) -> String {
    time(of: moment).text.replacing("T", with: " ")
  }
}

extension Nanoseconds {
  /// Seconds since 1970, rounded towards the past.
  package var wholeSeconds: Int64 { flooringDivision(by: 1_000_000_000).quotient }

  /// `2026-11-20T14:30:15Z`: RFC 3339, in UTC, to the second.
  package var timestamp: String {
    CivilTime(secondsSince1970: wholeSeconds).text + "Z"
  }
}
