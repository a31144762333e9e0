import Administration

/// How far something has come.
struct ProgressReading: Equatable, Sendable {
  enum Unit: Sendable { case bytes, count }

  /// What is being done, and to what: `restoring web01/vda`.
  var activity: String
  var done: UInt64
  /// nil where the end is not known.
  var total: UInt64?
  var unit = Unit.bytes
  /// What else is worth a word: `1.20 GiB new`.
  var remark = ""
}

/// The line that says how far something has come, how fast it goes, and how long it will take: a pure
/// value, given readings and times.
struct ProgressLine {
  /// The rate is that of the last seconds, so that it follows what happens, and does not flicker.
  private static let windowSeconds = 10.0

  private var samples: [(seconds: Double, done: UInt64)] = []
  private var activity = ""

  /// The line for `reading`.
  ///
  /// - Parameters:
  ///   - seconds: on any clock that goes forward.
  ///   - columns: that the line may take.
  mutating func text(for reading: ProgressReading, at seconds: Double, columns: Int) -> String {
    if reading.activity != activity {
      // Another stage has another rate.
      samples = []
      activity = reading.activity
    }
    samples.removeAll { $0.seconds < seconds - Self.windowSeconds }
    samples.append((seconds, reading.done))
    var parts = [reading.activity, amount(of: reading)]
    if let rate = rate(at: seconds) {
      if reading.unit == .bytes { parts.append(Quantities.rate(bytesPerSecond: rate)) }
      if let total = reading.total, rate > 0, total >= reading.done {
        let left = Double(total - reading.done) / rate
        parts.append("\(Quantities.remaining(seconds: left)) left")
      }
    }
    parts.append(reading.remark)
    return fitted(parts.filter { !$0.isEmpty }, columns: columns)
  }

  private func amount(of reading: ProgressReading) -> String {
    let text = { reading.unit == .bytes ? Quantities.bytes($0) : String($0) }
    guard let total = reading.total else { return text(reading.done) }
    return "\(Quantities.share(reading.done, of: total))  \(text(reading.done)) of \(text(total))"
  }

  private func rate(at seconds: Double) -> Double? {
    guard let first = samples.first, let last = samples.last, seconds - first.seconds >= 0.5,
      last.done >= first.done
    else { return nil }
    return Double(last.done - first.done) / (seconds - first.seconds)
  }

  /// As many parts, from the first, as there is room for.
  private func fitted(_ parts: [String], columns: Int) -> String {
    var line = ""
    for part in parts {
      let longer = line.isEmpty ? part : line + "  " + part
      guard longer.displayWidth <= columns else { break }
      line = longer
    }
    return line
  }
}
