import ChunkFormat
@testable import ChunkStore
import FileIO
import GarbageCollection
import TestSupport
import VolumeMap

/// A sequence of actions that could lose data. A correct program loses nothing. Random schedules
/// would seldom produce the sequence. Everything that the sequence does not fix is random.
enum Scene: CaseIterable {
  /// A revision is pinned and forgotten after a collection has read the sessions and before it
  /// reads the revisions.
  case forgottenBetweenLooks
  /// The content of a forgotten revision is deleted, and a power failure undoes the forgetting.
  case forgottenUntilPowerFails
  /// A policy forgets a revision because of a newer one that disappears in a power failure.
  case prunedForVanishing
  /// A revision disappears in a power failure, but its tag remains.
  case taggedBeforeDurable
  /// A backup finds a delta whose base is condemned.
  case deltaOfCondemnedBase
  /// A delta has lost its base, and its content is stored again in another form.
  case deltaOfLostBase
  /// A revision is begun and committed between two looks. It needs a delta that another machine has
  /// stored.
  case deltaOfOtherMachine
  /// Deltas are unreadable while their bases seem to be garbage.
  case unreadableDeltas
  /// A backup relies on a delta that is condemned together with its base.
  case condemnedDelta
  /// Two packs with the same content are condemned.
  case condemnedCopies
  /// A pack that contains a record twice is condemned.
  case condemnedTwins
  /// A condemned delta is needed again, because the storage loses the good copy.
  case lostGoodCopy
  /// A collection moves all records each time that a reader looks for them.
  case movingBeforeReader
  /// A pack is read, then deleted, and then entered in an index that a backup uses.
  case enteredWhenGone

  static func any(using random: inout SeededRandom) -> Self {
    allCases[Int.random(in: allCases.indices, using: &random)]
  }

  /// Plays the scene. The power may have failed afterwards.
  func play(_ world: SimulatedWorld, _ random: inout SeededRandom) throws {
    var stage = Stage(world, &random)
    try set(stage)
    guard world.violations.isEmpty else { return }
    perform(&stage)
    try stage.play()
  }

  // MARK: - Initial state

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
      // The delta is garbage, but its pack is not.
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

  // MARK: - Action

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
