import CalendarTime

extension TimeZone {
  /// The zone of the times that are shown. If `TZ` is not a time zone, this is UTC, and a warning says so, once.
  static let shown: TimeZone = {
    if let fault = TimeZone.system.fault {
      Console.shared.warning("times are shown in UTC: \(fault)")
    }
    return .system
  }()
}
