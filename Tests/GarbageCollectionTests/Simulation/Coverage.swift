import Synchronization
import SystemPackage
import TestSupport

/// Records handovers: which process's operation followed directly on which other one. If thousands
/// of schedules add no new handovers, further schedules will hardly find anything new.
struct Coverage {
  /// An operation of a process, with its place as far as that matters.
  private struct Step: Hashable {
    let activity: Substring
    let machine: Int
    let kind: SimulatedCall.Kind
    /// The directory of the repository, for example `packs`.
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

  /// Adds the handovers to those of all schedules. Returns the total number.
  func addToAll() -> Int {
    Self.all.withLock {
      $0.formUnion(handovers)
      return $0.count
    }
  }
}
