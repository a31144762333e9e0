import Glibc
import SystemPackage

extension TimeZone {
  /// The time zone of this process (tzset(3)): the one in the environment variable `TZ`, or without the
  /// variable that of the system. UTC if the system has none.
  package static let system: TimeZone = {
    guard let variable = getenv("TZ") else { return ofTheSystem() }
    return ofVariable(FilePath(platformString: variable))
      ?? TimeZone(fault: wrongVariable(variable))
  }()

  /// Longer than any name or rule, and short enough to be parsed quickly.
  private static let maximumNameBytes = 255

  /// A zone of the database, such as `Europe/Berlin`; nil if there is no zone of this name.
  package static func named(_ name: String) -> TimeZone? {
    guard name.utf8.count <= maximumNameBytes else { return nil }
    if name == "UTC" { return .utc }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.first != "." && !$0.contains("\0") }) else {
      return nil
    }
    return inFile(database.appending(name))
  }

  /// The directory of the time zone database (tzset(3)).
  static var database: FilePath {
    getenv("TZDIR").map { FilePath(platformString: $0) } ?? "/usr/share/zoneinfo"
  }

  private static let systemFile: FilePath = "/etc/localtime"

  private static func ofTheSystem() -> TimeZone {
    if let zone = inFile(systemFile) { return zone }
    // Without the file, a machine runs in UTC.
    guard access("\(systemFile)", F_OK) == 0 else { return .utc }
    return TimeZone(
      fault: "\(systemFile) is not a time zone file that this program can use; replace it, "
        + "for example with `timedatectl set-timezone Europe/Berlin`")
  }

  /// Reads the value of `TZ`: a name, the path of a file, or a rule, each with or without a colon before it
  /// (tzset(3)). Nil for anything else.
  static func ofVariable(_ value: FilePath) -> TimeZone? {
    let text = value.string
    let name = text.hasPrefix(":") ? String(text.dropFirst()) : text
    if name.isEmpty { return .utc }
    if name.hasPrefix("/") { return inFile(FilePath(name)) }
    return named(name) ?? TimeZoneRule(name).map { TimeZone($0) }
  }

  private static func wrongVariable(_ value: UnsafePointer<CChar>) -> String {
    "the variable TZ is '\(String(cString: value).prefix(maximumNameBytes))', which is not a time zone of this machine; set it "
      + "to a name such as Europe/Berlin, or install the time zones (Debian's package tzdata)"
  }

  /// Reads the zone in a file; nil if there is no such file, or if it is not a time zone file.
  private static func inFile(_ path: FilePath) -> TimeZone? {
    // If the path is a FIFO, opening it must not wait for a writer.
    let options: FileDescriptor.OpenOptions = [.closeOnExec, .nonBlocking]
    guard let file = try? FileDescriptor.open(path, .readOnly, options: options) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: TimeZoneFile.maximumBytes)
    var count = 0
    while count < bytes.count {
      let read = bytes.withUnsafeMutableBytes {
        try? file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
      }
      guard let read else { return nil }
      guard read > 0 else { break }
      count += read
    }
    return TimeZoneFile(Array(bytes[..<count])).map { TimeZone($0) }
  }
}
