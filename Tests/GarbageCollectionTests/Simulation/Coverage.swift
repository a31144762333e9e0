import Synchronization
import SystemPackage
import TestSupport

/// Which handovers there were: whose operation came right after whose. Where thousands of schedules add no new
/// ones, more of them hardly see anything new.
struct Coverage {
  /// An operation of somebody, as far as it matters where it is done.
  private struct Step: Hashable {
    let activity: Substring
    let machine: Int
    let kind: SimulatedCall.Kind
    /// The directory of the repository, `packs` for instance.
    let place: String
  }

  private struct Handover: Hashable {
    let before: Step
    let after: Step
  }

  private var last: (process: Int, step: Step)?
  private var handovers: Set<Handover> = []
  private static let all = Mutex<Set<Handover>>([])

  mutating func note(_ process: SimulatedProcess, _ kind: SimulatedCall.Kind, _ path: FilePath) {
    let place = path.components.dropFirst(SimulatedWorld.root.components.count).first
    let step = Step(
      activity: process.name.prefix { $0 != " " }, machine: process.machine, kind: kind,
      place: place?.string ?? "")
    if let last, last.process != process.number {
      handovers.insert(Handover(before: last.step, after: step))
    }
    last = (process.number, step)
  }

  /// Adds them to those of all schedules; returns how many of these there are.
  func addToAll() -> Int {
    Self.all.withLock {
      $0.formUnion(handovers)
      return $0.count
    }
  }
}
