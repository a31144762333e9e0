import Synchronization

/// Hears how far an operation comes. It keeps the meters it is given and reads them when it likes, so that
/// counting calls nobody.
package protocol WorkProgress: Sendable {
  /// The operation comes to the phase of `meter`, and counts there from now on.
  func begin(_ meter: WorkMeter)
}

/// For work that nobody watches.
package struct UnseenProgress: WorkProgress {
  package init() {}

  package func begin(_ meter: WorkMeter) {}
}

/// A part of an operation with a length of its own. Each library declares its own phases as static
/// members; no library knows how they are worded.
package struct WorkPhase: Hashable, Sendable {
  package enum Unit: Sendable { case bytes, items }

  /// Unique among all phases.
  package let name: String
  package let unit: Unit

  package init(_ name: String, in unit: Unit) {
    self.name = name
    self.unit = unit
  }
}

/// How far one phase has come: counters that the work raises and anybody may read.
package final class WorkMeter: Sendable {
  package let phase: WorkPhase
  private let doneUnits = Atomic<UInt64>(0)
  private let totalUnits: Atomic<UInt64>
  private let new = Atomic<UInt64>(0)

  init(_ phase: WorkPhase, total: UInt64?) {
    self.phase = phase
    totalUnits = Atomic(total ?? .max)
  }

  /// In the unit of the phase.
  package var done: UInt64 { doneUnits.load(ordering: .relaxed) }
  /// Nil where it is not known.
  package var total: UInt64? {
    let value = totalUnits.load(ordering: .relaxed)
    return value == .max ? nil : value
  }
  /// Content that the store did not have, in bytes.
  package var newBytes: UInt64 { new.load(ordering: .relaxed) }

  /// So much of the phase is done.
  package func advance(to units: UInt64) { doneUnits.store(units, ordering: .relaxed) }
  /// So much more of the phase is done.
  package func advance(by units: UInt64) { doneUnits.wrappingAdd(units, ordering: .relaxed) }
  /// So much of the phase is done, and so much there is by now.
  package func advance(to units: UInt64, of total: UInt64) {
    totalUnits.store(total, ordering: .relaxed)
    advance(to: units)
  }
  package func addNew(_ bytes: UInt64) { new.wrappingAdd(bytes, ordering: .relaxed) }
}
