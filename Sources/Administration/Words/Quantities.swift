/// Numbers with their units, as people read them.
package enum Quantities {
  private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

  /// Three digits that count: `0 B`, `1.50 KiB`, `12.3 GiB`, `1023 MiB`.
  package static func bytes(_ count: UInt64) -> String {
    guard count >= 1024 else { return "\(count) B" }
    var value = Double(count)
    var unit = 0
    // 1023.5 would be shown as 1024.
    while value >= 1023.5, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return "\(significant(value)) \(units[unit])"
  }

  /// `12.3 MiB/s`.
  package static func rate(bytesPerSecond: Double) -> String {
    bytes(UInt64(max(0, min(bytesPerSecond, 1e18)))) + "/s"
  }

  /// `0.04 s`, `5.2 s`, `3:07 min`, `2:05:09 h`.
  package static func duration(seconds: Double) -> String {
    let seconds = max(0, min(seconds, 1e9))
    if seconds < 9.95 { return decimals(seconds, seconds < 0.995 ? 2 : 1) + " s" }
    let whole = Int(seconds.rounded())
    let (minutes, rest) = (whole / 60 % 60, whole % 60)
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(minutes):\(twoDigits(rest)) min" }
    return "\(whole / 3600):\(twoDigits(minutes)):\(twoDigits(rest)) h"
  }

  /// A short duration: `85 µs`, `1.20 ms`, `3.1 s`.
  package static func latency(seconds: Double) -> String {
    let microseconds = max(0, min(seconds, 1e9)) * 1e6
    if microseconds <= 999 { return "\(Int(microseconds.rounded(.up))) µs" }
    return microseconds < 999_500
      ? significant(microseconds / 1000) + " ms" : duration(seconds: seconds)
  }

  /// A duration that is only guessed, in whole seconds and never too short: `3 s`.
  package static func remaining(seconds: Double) -> String {
    let whole = max(0, min(seconds, 1e9)).rounded(.up)
    return whole < 60 ? "\(Int(whole)) s" : duration(seconds: whole)
  }

  /// `62 %`, rounded down, so that 100 % means all.
  package static func share(_ part: UInt64, of whole: UInt64) -> String {
    guard part < whole else { return "100 %" }
    return "\(whole.dividingFullWidth(part.multipliedFullWidth(by: 100)).quotient) %"
  }

  /// `1 chunk`, `2 chunks`.
  package static func count(
    _ number: some BinaryInteger, _ noun: String, plural: String? = nil
  ) -> String {
    "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
  }

  private static func significant(_ value: Double) -> String {
    decimals(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
  }

  private static func decimals(_ value: Double, _ count: Int) -> String {
    guard count > 0 else { return "\(Int(value.rounded()))" }
    let factor = count == 1 ? 10 : 100
    let scaled = Int((value * Double(factor)).rounded())
    let fraction = String(scaled % factor)
    return "\(scaled / factor)."
      + String(repeating: "0", count: count - fraction.count) + fraction
  }

  private static func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
