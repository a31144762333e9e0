package import ChunkFormat
package import ChunkStore
package import Remedies

/// The result of a collection, or the expected result for a dry run.
package struct CollectionReport: Sendable {
  package internal(set) var isDryRun = false
  /// Marked revisions, including pinned ones that are forgotten.
  package internal(set) var revisions = 0
  /// Records in the store, and those of them that revisions refer to.
  package internal(set) var records = 0
  package internal(set) var liveRecords = 0
  /// Why a real run would refuse to do this; nil if it would not.
  package internal(set) var refusal: CollectionError?
  /// Damaged condemnation files, which were removed.
  package internal(set) var damagedCondemnations = 0
  /// Needed records that are in no pack.
  package internal(set) var lostRecords = 0
  /// The length of all packs before the collection.
  package internal(set) var storeBytes: UInt64 = 0

  /// The time to find out what is needed: for marking, and for adding up the packs.
  package internal(set) var markSeconds = 0.0
  package internal(set) var surveySeconds = 0.0

  /// Packs without a needed record, including those that were condemned earlier.
  package internal(set) var deadPacks = 0
  package internal(set) var deadBytes: UInt64 = 0
  /// Packs that are rewritten because of their garbage, and the garbage. Small packs that are
  /// merged are not counted, but their garbage is.
  package internal(set) var rewrittenPacks = 0
  package internal(set) var rewrittenDeadBytes: UInt64 = 0
  /// Small packs that are merged.
  package internal(set) var mergedPacks = 0
  /// Packs that are worth rewriting or merging, but exceed the limits.
  package internal(set) var postponedPacks = 0

  /// The work that was done: deleted packs, and the size of new packs.
  package internal(set) var deletedPacks = 0
  package internal(set) var deletedBytes: UInt64 = 0
  package internal(set) var newBytes: UInt64 = 0
  package internal(set) var copiedRecords = 0
  /// Bases that are no longer needed, because their only delta is now stored whole.
  package internal(set) var replacedBases = 0
  /// Condemned packs that are needed again.
  package internal(set) var pardonedPacks = 0
  /// Packs that wait until sessions end.
  package internal(set) var waitingPacks = 0
  package internal(set) var awaited: [AwaitedSession] = []
  /// Packs that cannot be read correctly. They are not changed.
  package internal(set) var damaged: [(pack: PackID, message: String)] = []

  package internal(set) var removedRevisions = 0
  package internal(set) var unfinishedFiles = 0
  package internal(set) var unfinishedBytes: UInt64 = 0
  /// Why copying ended early; nil if it did not.
  package internal(set) var endedEarly: EarlyEnd?

  /// Why copying ended before everything worth rewriting was rewritten.
  package enum EarlyEnd: Sendable {
    case timeLimit
    case noSpace(StoreError)

    /// The reason, and what the user can do.
    package func text(_ wording: RemedyWording) -> String {
      switch self {
      case .timeLimit: "the time limit was reached"
      case .noSpace(let error): wording.text("\(error)", Remedy.of(error) + [.copyLess])
      }
    }
  }

  package init() {}

  /// How much shorter the store is now. In a dry run, an estimate of how much shorter it would be.
  package var freedBytes: Int64 {
    isDryRun
      ? Int64(clamping: deadBytes.saturatingAdding(rewrittenDeadBytes))
      : Int64(clamping: deletedBytes.saturatingAdding(unfinishedBytes)) - Int64(clamping: newBytes)
  }
}

/// A writing session that began before packs were condemned.
package struct AwaitedSession: Hashable, Sendable {
  package let purpose: String
  package let host: String
  package let process: Int32
}
