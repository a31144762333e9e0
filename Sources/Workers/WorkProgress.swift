import Synchronization

/// Watches the progress of an operation. It keeps the meters that it receives, and reads them at
/// any time. So counting the work needs no callbacks.
package protocol WorkProgress: Sendable {
  /// Called when the operation begins the phase of `meter`. From then on, the operation counts on
  /// this meter.
  func begin(_ meter: WorkMeter)
}

/// The progress of work that nobody watches: ignores all meters.
package struct UnseenProgress: WorkProgress {
  package init() {}

  package func begin(_ meter: WorkMeter) {}
}

/// A part of an operation, with its own length. Each library declares its phases as static members.
/// The front end, not the library, chooses the words for the user.
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

/// The progress of one phase: counters that the work increases and anybody may read.
package final class WorkMeter: Sendable {
  package let phase: WorkPhase
  private let doneUnits = Atomic<UInt64>(0)
  private let totalUnits: Atomic<UInt64>
  private let new = Atomic<UInt64>(0)

  init(_ phase: WorkPhase, total: UInt64?) {
    self.phase = phase
    totalUnits = Atomic(total ?? .max)
  }

  /// The amount of work that is done, in the unit of the phase.
  package var done: UInt64 { doneUnits.load(ordering: .relaxed) }
  /// The length of the phase, in its unit; nil if it is not known.
  package var total: UInt64? {
    let value = totalUnits.load(ordering: .relaxed)
    return value == .max ? nil : value
  }
  /// Bytes of content that the store did not have before.
  package var newBytes: UInt64 { new.load(ordering: .relaxed) }

  /// Sets the amount of work that is done.
  package func advance(to units: UInt64) { doneUnits.store(units, ordering: .relaxed) }
  /// Adds to the amount of work that is done.
  package func advance(by units: UInt64) { doneUnits.wrappingAdd(units, ordering: .relaxed) }
  /// Sets the amount of work that is done, and the total, which may have grown.
  package func advance(to units: UInt64, of total: UInt64) {
    totalUnits.store(total, ordering: .relaxed)
    advance(to: units)
  }
  package func addNew(_ bytes: UInt64) { new.wrappingAdd(bytes, ordering: .relaxed) }
}
