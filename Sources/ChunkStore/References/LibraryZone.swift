import FileIO
import Glibc
import Synchronization
import SystemPackage

/// A time zone as the C library knows it, with all that ever was and will be of daylight saving.
///
/// The library has one zone at a time, that of the environment variable `TZ`. So whoever asks takes it
/// for as long as the question lasts, and sets it first where another asked before.
struct LibraryZone: Sendable {
  /// What `TZ` is set to; nil leaves it as it was when the program began.
  private let variable: String?

  /// The zone of the environment, else of the system.
  static let system = LibraryZone(variable: nil)

  private init(variable: String?) { self.variable = variable }

  /// The zone with this name in the database; nil where there is none. (The library would take UTC
  /// instead, and say nothing.)
  init?(named name: String) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.first != "." && !$0.contains("\0") }),
      Self.isZone(Self.database.appending(name))
    else { return nil }
    variable = ":\(name)"
  }

  /// The value of `TZ`, where this is the zone of the environment and no zone has that name; the library
  /// then takes UTC.
  var unknownName: String? { variable == nil ? Self.unknownVariable : nil }

  /// The value of `TZ` if it is invalid: neither a zone of the database, nor the path of a zone file, nor
  /// a rule such as `CET-1CEST,M3.5.0,M10.5.0/3` (tzset(3)).
  private static let unknownVariable: String? = {
    guard let variable = getenv("TZ").map({ String(cString: $0) }) else { return nil }
    let name = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
    let isRule = name.prefixMatch(of: /([A-Za-z]{3,}|<[A-Za-z0-9+\-]{3,}>)[+\-]?[0-9]/) != nil
    let isKnown =
      name.isEmpty || name == "UTC" || isRule || LibraryZone(named: name) != nil
      || name.hasPrefix("/") && isZone(FilePath(name))
    return isKnown ? nil : variable
  }()

  /// Where zones are looked up (tzset(3)).
  static var database: FilePath {
    FilePath(escaped: getenv("TZDIR").map { String(escapingCString: $0) } ?? "/usr/share/zoneinfo")
  }

  /// Whether `path` is a file of such a database (RFC 8536).
  private static func isZone(_ path: FilePath) -> Bool {
    var magic: [UInt8] = [0, 0, 0, 0]
    guard let file = try? POSIXFileSystem().openFile(path, for: .reading) else { return false }
    defer { file.close() }
    let count = magic.withUnsafeMutableBytes { try? file.read(into: $0, at: 0) }
    return count == magic.count && magic.elementsEqual("TZif".utf8)
  }

  // MARK: - Asking

  /// As ``LocalTime/seconds`` has it.
  func seconds(of time: CivilTime) -> Int64? {
    var fields = tm()
    fields.tm_year = Int32(time.year - 1900)
    fields.tm_mon = Int32(time.month - 1)
    fields.tm_mday = Int32(time.day)
    fields.tm_hour = Int32(time.hour)
    fields.tm_min = Int32(time.minute)
    fields.tm_sec = Int32(time.second)
    fields.tm_isdst = -1
    let seconds = asking { mktime(&fields) }
    // -1 stands for failure, and for the last second of 1969, when nobody used this program.
    return seconds == -1 ? nil : Int64(seconds)
  }

  /// What the clock shows, and how far it is ahead of UTC.
  func civilTime(at seconds: Int64) -> (time: CivilTime, offsetSeconds: Int) {
    var moment = time_t(seconds)
    var fields = tm()
    guard asking({ localtime_r(&moment, &fields) != nil }) else {
      return (CivilTime(secondsSince1970: seconds), 0)
    }
    let time = CivilTime(
      year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday),
      hour: Int(fields.tm_hour), minute: Int(fields.tm_min), second: Int(fields.tm_sec))
    return (time, Int(fields.tm_gmtoff))
  }

  /// What the library is set to; nil for what the program began with.
  private static let current = Mutex<String?>(nil)
  /// What the program began with, in other words where it began with nothing.
  private static let initial: String = {
    // Looked at before anybody changes it.
    _ = unknownVariable
    return getenv("TZ").map { String(cString: $0) } ?? ":/etc/localtime"
  }()

  private func asking<Answer: Sendable>(_ question: () -> Answer) -> Answer {
    Self.current.withLock { current in
      if current != variable {
        let initial = Self.initial
        setenv("TZ", variable ?? initial, 1)
        tzset()
        current = variable
      }
      return question()
    }
  }
}
