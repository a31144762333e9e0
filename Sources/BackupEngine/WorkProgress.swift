import Synchronization

/// How far a piece of work has come: counters that the worker raises and anybody may read.
package final class WorkProgress: Sendable {
  /// What is being done.
  package enum Phase: UInt8, Sendable {
    case preparing
    case indexing
    case reading
    case storing
    case verifying
    case restoring
    /// Looking for what is not zero in a target, and has to be.
    case zeroing
    case comparing
    case marking
    case compacting
    case deleting
    case checkingPacks
    case checkingRevisions
    case repairing
    case finished
  }

  private let phaseNumber = Atomic<UInt8>(Phase.preparing.rawValue)
  private let done = Atomic<UInt64>(0)
  private let total = Atomic<UInt64>(UInt64.max)
  private let new = Atomic<UInt64>(0)

  package init() {}

  package var phase: Phase { Phase(rawValue: phaseNumber.load(ordering: .relaxed)) ?? .preparing }
  /// Of the phase: bytes; packs while indexing, deleting or checking them, records while marking,
  /// revisions while checking or repairing them.
  package var doneUnits: UInt64 { done.load(ordering: .relaxed) }
  /// Nil where it is not known, as with a pipe.
  package var totalUnits: UInt64? {
    let value = total.load(ordering: .relaxed)
    return value == .max ? nil : value
  }
  /// Content that the store did not have, in bytes.
  package var newBytes: UInt64 { new.load(ordering: .relaxed) }

  /// The work comes to `phase`.
  package func begin(_ phase: Phase, totalUnits: UInt64?) {
    done.store(0, ordering: .relaxed)
    total.store(totalUnits ?? .max, ordering: .relaxed)
    phaseNumber.store(phase.rawValue, ordering: .relaxed)
  }

  /// So much of the phase is done.
  package func advance(to units: UInt64) { done.store(units, ordering: .relaxed) }
  /// So much more of the phase is done.
  package func advance(by units: UInt64) { done.wrappingAdd(units, ordering: .relaxed) }
  func addNew(_ bytes: UInt64) { new.wrappingAdd(bytes, ordering: .relaxed) }
}
