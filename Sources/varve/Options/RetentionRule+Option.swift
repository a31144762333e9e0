import ChunkFormat

extension RetentionRule {
  /// As an option: `--keep-daily 7`.
  var option: String {
    switch self {
    case .newest(let count): "--keep-last \(count)"
    case .calendar(let unit, let count): "--keep-\(unit) \(count)"
    case .within(let span): "--keep-within \(span)"
    case .tagged(let tag): "--keep-tag \(tag)"
    case .schedule(let tag, let interval, let count): "--keep-schedule \(tag)=\(interval):\(count)"
    }
  }
}

extension RetentionPolicy {
  /// As options: `--keep-daily 7 --keep-weekly 5 --time-zone Europe/Berlin`.
  var options: String {
    (rules.map(\.option) + (timeZone.map { ["--time-zone \($0)"] } ?? []))
      .joined(separator: " ")
  }
}
