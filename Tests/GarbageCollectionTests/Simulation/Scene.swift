import ChunkFormat
@testable import ChunkStore
import FileIO
import GarbageCollection
import TestSupport
import VolumeMap

/// A loss that somebody thought of: who does what, in which order. Played with the right program, nothing is
/// lost. Chance would seldom come upon the order; it chooses what the order leaves open.
enum Scene: CaseIterable {
  /// A revision is pinned and forgotten between a collection's looks at sessions and at revisions.
  case forgottenBetweenLooks
  /// What a revision needs goes, and after a power failure nobody has forgotten it.
  case forgottenUntilPowerFails
  /// A policy forgets a revision for a newer one that is gone after a power failure.
  case prunedForVanishing
  /// A tag is left, after a power failure, of a revision that is gone.
  case taggedBeforeDurable
  /// A backup finds a delta whose base is condemned.
  case deltaOfCondemnedBase
  /// A delta has lost its base, and what it stands for is stored otherwise.
  case deltaOfLostBase
  /// A revision that begins and ends between two looks needs a delta that another machine has stored.
  case deltaOfOtherMachine
  /// Deltas cannot be read while what they lean on seems to be garbage.
  case unreadableDeltas
  /// A backup relies on a delta that is condemned together with its base.
  case condemnedDelta
  /// Two packs are condemned that hold the same.
  case condemnedCopies
  /// A pack is condemned that holds a record twice.
  case condemnedTwins
  /// A condemned delta is needed again, since the storage loses the good copy.
  case lostGoodCopy
  /// A collection moves everything each time that a reader looks for it.
  case movingBeforeReader
  /// A pack goes between being read and being entered in an index, in which a backup looks.
  case enteredWhenGone

  static func any(using random: inout SeededRandom) -> Self {
    allCases[Int.random(in: allCases.indices, using: &random)]
  }

  /// Plays the scene; afterwards the power may have failed.
  func play(_ world: SimulatedWorld, _ random: inout SeededRandom) throws {
    var stage = Stage(world, &random)
    try set(stage)
    guard world.violations.isEmpty else { return }
    perform(&stage)
    try stage.play()
  }

  // MARK: - What is there at the beginning

  private func set(_ stage: Stage) throws {
    let (a, b, others) = (stage.a, stage.b, stage.others)
    switch self {
    case .forgottenBetweenLooks, .enteredWhenGone:
      try stage.alone { garbage in
        garbage.backUp("old", [a, b]); garbage.forget("old")
      }
    case .forgottenUntilPowerFails, .prunedForVanishing:
      try stage.alone { $0.backUp("x", [a, b]) }
    case .taggedBeforeDurable, .condemnedCopies: break
    case .deltaOfCondemnedBase, .deltaOfLostBase:
      // The delta is dead, and its pack is not.
      try stage.alone {
        $0.backUp("old", [a])
        $0.backUp("old", [a.changed] + others)
        $0.backUp("kept", others)
        $0.forget("old")
      }
    case .deltaOfOtherMachine:
      try stage.alone {
        $0.backUp("old", [a]); $0.forget("old")
      }
    case .unreadableDeltas:
      try stage.alone { $0.backUp("x", [a, b]) }
      try stage.alone(on: 1) { $0.backUp("x", [a.changed, b.changed]) }
      try stage.alone { $0.forgetOldest("x") }
    case .condemnedDelta:
      try stage.alone {
        $0.backUp("old", [a, b])
        $0.backUp("old", [a.changed, b.changed])
        $0.forget("old")
      }
    case .condemnedTwins:
      try stage.alone { $0.storeTwice(a) }
    case .lostGoodCopy:
      try stage.alone {
        $0.backUp("old", [a])
        $0.backUp("old", [a.changed])
        $0.storeAlone(a.changed)
        $0.backUp("x", [a.changed])
        $0.forget("old")
      }
    case .movingBeforeReader:
      try stage.alone { $0.backUp("x", [a, b]) }
    }
  }

  // MARK: - What happens then

  private func perform(_ stage: inout Stage) {
    switch self {
    case .forgottenBetweenLooks: stage.forgetBetweenLooks()
    case .forgottenUntilPowerFails: stage.forgetUntilPowerFails()
    case .prunedForVanishing: stage.vanish { $0.prune("x") }
    case .taggedBeforeDurable: stage.vanish { $0.tag("x") }
    case .deltaOfCondemnedBase: stage.relyOnDelta()
    case .deltaOfLostBase: stage.storeBesideDelta()
    case .deltaOfOtherMachine: stage.storeDeltaElsewhere()
    case .unreadableDeltas: stage.collectWithoutDeltas()
    case .condemnedDelta: stage.relyOnCondemned([stage.a.changed, stage.b.changed])
    case .condemnedCopies: stage.relyOnCopies()
    case .condemnedTwins: stage.relyOnCondemned([stage.a])
    case .lostGoodCopy: stage.loseGoodCopy()
    case .movingBeforeReader: stage.moveBeforeReader()
    case .enteredWhenGone: stage.enterWhenGone()
    }
  }
}
