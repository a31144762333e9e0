import SystemPackage
import TestSupport
import Testing

@testable import CalendarTime

@Suite struct TimeZoneTests {
  /// Zones with all special cases: offsets with half and quarter hours, daylight saving time that
  /// is behind standard time or only half an hour ahead, changes before the beginning of the day in
  /// the rule, a skipped day, no changes at all, changes for Ramadan.
  static let zones = [
    "Africa/Casablanca", "Africa/Monrovia", "America/Godthab", "America/New_York",
    "America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll", "Asia/Gaza", "Asia/Kathmandu",
    "Asia/Tehran", "Asia/Tokyo", "Australia/Lord_Howe", "EST5EDT", "Etc/GMT+12", "Europe/Berlin",
    "Europe/Dublin", "Europe/London", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati",
  ]
  static let rules = [
    "CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "IST-2IDT,M3.4.4/26,M10.5.0",
    "IST-1GMT0,M10.5.0,M3.5.0/1", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "EST5EDT",
    "XYZ-3:30ABC,J60/0,J300/24", "XYZ8ABC,59,364/12:30:15", "JST-9",
  ]

  @Test("Clocks change at the same moments as in the C library", arguments: zones + rules)
  func agreesWithTheCLibrary(name: String) throws {
    let zone = try #require(TimeZone.ofVariable(FilePath(name)))
    let changes = try Command.run("zdump", "-v", "-c", "1850,2200", name).split(separator: "\n")
      .compactMap(Change.init)
    // A rule with dates has two changes a year. From 1970 on, zdump prints two moments for each
    // change.
    if name.contains(",") { try #require(changes.count > 900) }
    for change in changes {
      #expect(zone.offset(at: change.moment) == change.offset, "\(name) \(change.moment)")
    }
    // This also tests zones without changes. (Before 1970 the C library uses the rules of 1970.)
    for seconds in [100_000_000, 1_784_500_000, 1_795_185_015, 4_100_000_000] as [Int64] {
      let shown = try Command.run("env", "TZ=\(name)", "date", "-d", "@\(seconds)", "+%F %T")
      let moment = try #require(Timestamp(secondsSince1970: seconds))
      #expect(zone.text(of: moment) == shown, "\(name) \(seconds)")
    }
  }

  /// `NAME  Sun Mar 30 00:59:59 1980 UT = Sun Mar 30 01:59:59 1980 CET isdst=0 gmtoff=3600`.
  private struct Change {
    let moment: Int64
    let offset: Int

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard words.count > 8,
        let offset = words.last?.split(separator: "=").last.flatMap({ Int($0) })
      else { return nil }
      let months = "JanFebMarAprMayJunJulAugSepOctNovDec"
      let parts = words[4].split(separator: ":").compactMap { Int($0) }
      guard let month = months.firstRange(of: words[2])?.lowerBound, let day = Int(words[3]),
        let year = Int(words[5]), parts.count == 3
      else { return nil }
      let monthNumber = months.distance(from: months.startIndex, to: month) / 3 + 1
      moment =
        CivilTime(
          year: year, month: monthNumber, day: day, hour: parts[0], minute: parts[1],
          second: parts[2]
        ).secondsSince1970
      self.offset = offset
    }
  }

  @Test("The moment of a time is the first at which the clock shows it", arguments: zones + rules)
  func backAndForth(name: String) throws {
    let zone = try #require(TimeZone.ofVariable(FilePath(name)))
    var random = SeededRandom()
    for _ in 0..<300 {
      let seconds = Int64.random(in: -3_000_000_000...6_000_000_000, using: &random)
      let moment = try #require(Timestamp(secondsSince1970: seconds))
      let time = zone.time(of: moment)
      let found = try #require(zone.moment(of: time))
      #expect(found <= moment && zone.time(of: found) == time, "\(name), \(seconds), \(random)")
      let last = try #require(zone.lastMoment(of: time))
      #expect(last >= moment && zone.time(of: last) == time, "\(name), \(seconds), \(random)")
    }
  }

  @Test(
    "Times that occur twice, or not at all",
    arguments: [
      ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z"),
      ("Europe/Berlin", "2026-10-25 01:59", "2026-10-24T23:59:00Z"),
      ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z"),
      ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00Z"),
      ("Europe/Berlin", "2026-03-29 03:30", "2026-03-29T01:30:00Z"),
      ("Europe/Berlin", "2060-10-31 02:30", "2060-10-31T00:30:00Z"),
      ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25 02:30", "2026-10-25T00:30:00Z"),
      ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00Z"),
      // The island moved across the date line, so this day did not exist.
      ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00Z"),
      ("Pacific/Apia", "2011-12-31 12:00", "2011-12-30T22:00:00Z"),
    ])
  func odd(name: String, local: String, utc: String) throws {
    let zone = try #require(TimeZone.ofVariable(FilePath(name)))
    #expect(try zone.moment(of: time(local))?.rfc3339 == utc)
  }

  @Test(
    "The last moment of a time",
    arguments: [
      ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T01:30:00Z"),
      ("Europe/Berlin", "2026-10-25 01:59", "2026-10-24T23:59:00Z"),
      ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z"),
      ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00Z"),
      ("Europe/Berlin", "2026-11-20 12:00", "2026-11-20T11:00:00Z"),
      ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25 02:30", "2026-10-25T01:30:00Z"),
      ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T15:15:00Z"),
      ("Pacific/Apia", "2011-12-31 12:00", "2011-12-30T22:00:00Z"),
    ])
  func last(name: String, local: String, utc: String) throws {
    let zone = try #require(TimeZone.ofVariable(FilePath(name)))
    #expect(try zone.lastMoment(of: time(local))?.rfc3339 == utc)
  }

  private func time(_ text: String) throws -> CivilTime {
    let numbers = text.split { "- :".contains($0) }.compactMap { Int($0) }
    try #require(numbers.count == 5)
    return CivilTime(
      year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4])
  }

  @Test("Fields that exceed their ranges carry over")
  func carrying() {
    let zone = TimeZone.fixed(offsetSeconds: 3600)
    let time = CivilTime(year: 2026, month: 11, day: 31, hour: 24)
    #expect(zone.moment(of: time)?.rfc3339 == "2026-12-01T23:00:00Z")
    #expect(TimeZone.utc.moment(of: CivilTime(year: 2400, month: 1, day: 1)) == nil)
  }

  @Test("Text for people has a space between date and time, and is in the local zone")
  func text() throws {
    let moment = Timestamp(nanosecondsSince1970: 1_795_185_015_000_000_000)
    #expect(try #require(TimeZone.named("Europe/Berlin")).text(of: moment) == "2026-11-20 15:30:15")
    #expect(TimeZone.utc.text(of: moment) == "2026-11-20 14:30:15")
  }

  // MARK: - Names of zones

  @Test(
    "Invalid names",
    arguments: [
      "", "Europe", "Europe/Berln", "../etc/passwd", "Europe/../Europe/Berlin", "/etc/localtime",
      "Europe//Berlin", "zone.tab", "CET-1CEST", "./UTC", "Europe/Berlin\0",
    ])
  func unknown(name: String) { #expect(TimeZone.named(name) == nil) }

  @Test(
    "Valid values of TZ",
    arguments: [
      ("", 0), (":", 0), ("UTC", 0), (":Europe/Berlin", 3600), ("Europe/Berlin", 3600),
      ("/usr/share/zoneinfo/Asia/Tokyo", 32_400), (":/usr/share/zoneinfo/Asia/Tokyo", 32_400),
      ("JST-9", 32_400), ("<+0545>-5:45", 20_700), ("EST5EDT", -18_000),
    ])
  func variable(value: String, offset: Int) throws {
    // A moment in November.
    #expect(try #require(TimeZone.ofVariable(FilePath(value))).offset(at: 1_795_185_015) == offset)
  }

  @Test(
    "Invalid values of TZ",
    arguments: [
      "Europe/Berln", "/etc/passwd", "/dev/null", "/no/such/file", "CE-1", "CEX", "CET-25",
      "CET-1:60",
      "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0",
      "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J365", "CET-1CEST,J1,J366", "CET-1CEST,0,366",
      "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3 ", "CET-1CEST,M3.5.0,M10.5.0,1",
      "<CET-1", "CET-1CEST;M3.5.0,M10.5.0", "C\u{1f30d}T-1",
    ])
  func wrongVariable(value: String) { #expect(TimeZone.ofVariable(FilePath(value)) == nil) }

  /// Parsing the text would take minutes.
  @Test("A long text is not a zone")
  func long() {
    let text = String(repeating: "A", count: 200_000)
    for value in [text, ":" + text, "/" + text, text + "-1", "<" + text + ">-1"] {
      #expect(TimeZone.ofVariable(FilePath(value)) == nil)
    }
    #expect(TimeZone.named(text) == nil)
  }

  // MARK: - Files

  private func file(_ name: String) throws -> [UInt8] {
    let file = try FileDescriptor.open(FilePath("/usr/share/zoneinfo/\(name)"), .readOnly)
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
    return Array(bytes[..<count])
  }

  @Test("A file of version 1 has 32-bit moments and no rule")
  func firstVersion() throws {
    var bytes = try file("Europe/Berlin")
    let zone = TimeZone(try #require(TimeZoneFile(bytes)))
    bytes[4] = 0
    let old = try #require(TimeZoneFile(bytes))
    #expect(old.rule == nil)
    for year in stride(from: 1902, to: 2037, by: 5) {
      for month in [1, 7] {
        let moment = CivilTime(year: year, month: month, day: 15).secondsSince1970
        #expect(TimeZone(old).offset(at: moment) == zone.offset(at: moment), "\(year)-\(month)")
      }
    }
  }

  @Test("A truncated file is refused")
  func cut() throws {
    let bytes = try file("Europe/Berlin")
    for count in 0..<bytes.count { #expect(TimeZoneFile(Array(bytes[..<count])) == nil) }
    #expect(TimeZoneFile(bytes) != nil)
  }

  @Test("A damaged file is refused or read, and never traps")
  func damaged() throws {
    let bytes = try file("Europe/Berlin")
    var random = SeededRandom()
    for _ in 0..<2000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Bool.random(using: &random) ? bytes.count : 44
        damaged[Int.random(in: 0..<place, using: &random)] = .random(in: 0...255, using: &random)
      }
      guard let file = TimeZoneFile(damaged) else { continue }
      let zone = TimeZone(file)
      for moment in [Timestamp.earliest, .epoch, .latest] {
        _ = zone.moment(of: zone.time(of: moment))
      }
    }
  }

  @Test("A zone that counts leap seconds is refused")
  func leapSeconds() throws {
    #expect(TimeZoneFile(try file("right/Europe/Berlin")) == nil)
    #expect(TimeZone.named("right/Europe/Berlin") == nil)
  }
}
