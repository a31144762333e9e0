package import ChunkFormat
package import ChunkStore
package import Remedies

/// How garbage is collected.
package struct CollectionSettings: Sendable {
  /// Whether to find out only what would be freed.
  package var isDryRun = false
  /// Whether to delete even most of the store.
  package var allowsLargeShare = false
  /// Whether to continue although revisions, or content that they need, are missing. Such content
  /// may come back later and then lack something that is deleted now.
  package var acceptsLosses = false
  /// At most this many bytes of needed records are copied out of packs that are rewritten or
  /// merged; nil for no limit.
  package var copiedBytesLimit: UInt64?
  /// Copying ends when this time has passed since the collection began; nil for no limit.
  package var timeLimit: Duration?
  /// A pack with a greater share of garbage is rewritten; 0 to 1.
  package var leastDeadShare = 0.3
  /// A pack shorter than this, in bytes, is small and may be merged with others.
  package var smallPackBytes: UInt64 = 8 << 20
  /// Small packs of a kind are merged if there are at least this many.
  package var leastSmallPacks = 8

  /// Deleting a greater share of the store needs ``allowsLargeShare``.
  static let usualShare = 0.5

  package init() {}
}

/// What a collection did, or would do if it is a dry run.
package struct CollectionReport: Sendable {
  package internal(set) var isDryRun = false
  /// Revisions that were marked, pinned ones that are forgotten included.
  package internal(set) var revisions = 0
  /// Records in the store, and how many of them revisions refer to.
  package internal(set) var records = 0
  package internal(set) var liveRecords = 0
  /// Why a real run would refuse to do this; nil if it would not.
  package internal(set) var refusal: CollectionError?
  /// Damaged condemnation files, which were removed.
  package internal(set) var damagedCondemnations = 0
  /// Records that are needed and are in no pack.
  package internal(set) var lostRecords = 0
  /// Length of all packs before the collection.
  package internal(set) var storeBytes: UInt64 = 0

  /// How long it took to find out what is needed: marking, and adding up by pack.
  package internal(set) var markSeconds = 0.0
  package internal(set) var surveySeconds = 0.0

  /// Packs without a needed record, those that were condemned before included.
  package internal(set) var deadPacks = 0
  package internal(set) var deadBytes: UInt64 = 0
  /// Packs that are rewritten, and their garbage. Small packs that are merged are not counted;
  /// their garbage is.
  package internal(set) var rewrittenPacks = 0
  package internal(set) var rewrittenDeadBytes: UInt64 = 0
  /// Small packs that are merged.
  package internal(set) var mergedPacks = 0
  /// Packs worth rewriting or merging that the limits did not allow.
  package internal(set) var postponedPacks = 0

  /// What was done: deleted packs, and bytes of new ones.
  package internal(set) var deletedPacks = 0
  package internal(set) var deletedBytes: UInt64 = 0
  package internal(set) var newBytes: UInt64 = 0
  package internal(set) var copiedRecords = 0
  /// Bases of a single delta that was now stored whole, so that the base is no longer needed.
  package internal(set) var replacedBases = 0
  /// Condemned packs that are needed after all.
  package internal(set) var pardonedPacks = 0
  /// Packs that wait for sessions to end.
  package internal(set) var waitingPacks = 0
  package internal(set) var awaited: [AwaitedSession] = []
  /// Packs that cannot be read correctly and are therefore left alone.
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
      case .timeLimit: "the time was up"
      case .noSpace(let error): wording.text("\(error)", Remedy.of(error) + [.copyLess])
      }
    }
  }

  package init() {}

  /// How much shorter the store is now; in a dry run, about how much shorter it would be.
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
