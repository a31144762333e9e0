package import CalendarTime

extension Timestamp: ExpressibleByIntegerLiteral {
  /// Nanoseconds since 1970.
  package init(integerLiteral nanoseconds: Int64) { self.init(nanosecondsSince1970: nanoseconds) }
}
