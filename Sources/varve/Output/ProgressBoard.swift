import Administration
import BackupEngine
import ChunkStore
import GarbageCollection
import Inspection
import Synchronization
import Workers

/// Keeps what the operation at hand says of its progress, and words it for the progress line.
final class ProgressBoard: WorkProgress {
  private struct State {
    var meter: WorkMeter?
    /// Of the phases that are over.
    var newBytes: UInt64 = 0
  }

  private let state = Mutex(State())

  func begin(_ meter: WorkMeter) {
    state.withLock { state in
      state.newBytes += state.meter?.newBytes ?? 0
      state.meter = meter
    }
  }

  /// The state of the work; nil where there is nothing to measure.
  ///
  /// - Parameter subject: what is worked on: `web01`.
  func reading(of subject: String) -> ProgressReading? { reading { _ in subject } }

  /// The same where each phase may work on something else.
  func reading(of subject: (WorkPhase) -> String) -> ProgressReading? {
    let (meter, earlier) = state.withLock { ($0.meter, $0.newBytes) }
    guard let meter, let activity = meter.phase.activity else { return nil }
    let newBytes = earlier + meter.newBytes
    return ProgressReading(
      activity: "\(activity) \(subject(meter.phase))", done: meter.done, total: meter.total,
      unit: meter.phase.unit == .items ? .count : .bytes,
      remark: newBytes > 0 ? "\(Quantities.bytes(newBytes)) new" : "")
  }
}

extension WorkPhase {
  /// In words that go before what is worked on; nil for a phase that is not shown.
  fileprivate var activity: String? {
    switch self {
    case .indexing: "reading new packs for"
    case .reading: "backing up"
    case .storing: "storing"
    case .verifying: "verifying"
    case .restoring: "restoring"
    case .zeroing: "zeroing the target of"
    case .comparing: "comparing"
    case .marking: "finding used content in"
    case .compacting: "rewriting"
    case .deleting: "deleting"
    case .checkingPacks: "checking packs of"
    case .checkingRevisions: "checking revisions of"
    case .repairing: "repairing"
    default: nil
    }
  }
}
