import BackupEngine

extension WorkProgress {
  /// The state of the work for the progress line; nil where there is nothing to measure.
  ///
  /// - Parameter subject: what is worked on: `web01`.
  func reading(of subject: String) -> ProgressReading? {
    guard let activity else { return nil }
    return ProgressReading(
      activity: "\(activity) \(subject)", done: doneUnits, total: totalUnits,
      unit: isCounted ? .count : .bytes,
      remark: newBytes > 0 ? "\(Quantities.bytes(newBytes)) new" : "")
  }

  private var isCounted: Bool {
    switch phase {
    case .indexing, .marking, .deleting, .checkingPacks, .checkingRevisions, .repairing: true
    default: false
    }
  }

  private var activity: String? {
    switch phase {
    case .preparing, .finished: nil
    case .indexing: "reading new packs for"
    case .reading: "backing up"
    case .storing: "storing"
    case .verifying: "verifying"
    case .restoring: "restoring"
    case .zeroing: "zeroing the target of"
    case .comparing: "comparing"
    case .marking: "looking for what is needed in"
    case .compacting: "rewriting"
    case .deleting: "deleting"
    case .checkingPacks: "checking packs of"
    case .checkingRevisions: "checking revisions of"
    case .repairing: "repairing"
    }
  }
}
