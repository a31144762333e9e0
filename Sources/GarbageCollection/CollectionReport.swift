package import ChunkFormat

/// What a collection did, or in a dry run would do.
package struct CollectionReport: Sendable {
  package internal(set) var isDryRun = false
  /// Revisions that were walked, pinned ones that are forgotten included.
  package internal(set) var revisions = 0
  /// Records in the store, and those of them that revisions refer to.
  package internal(set) var records = 0
  package internal(set) var liveRecords = 0
  /// Why this would not be done but for a dry run; nil where it would.
  package internal(set) var refusal: String?
  /// Files that said which packs are condemned, were damaged, and are gone.
  package internal(set) var damagedCondemnations = 0
  /// Records that are needed and in no pack.
  package internal(set) var lostRecords = 0
  /// Length of all packs before.
  package internal(set) var storeBytes: UInt64 = 0

  /// How long it took to find out what is needed: marking, and adding up by packs.
  package internal(set) var markSeconds = 0.0
  package internal(set) var surveySeconds = 0.0

  /// Packs that nothing is needed of, those that were condemned before included.
  package internal(set) var deadPacks = 0
  package internal(set) var deadBytes: UInt64 = 0
  /// Packs that are rewritten without their garbage, and how much that is; small ones that are merged
  /// are not counted, but what garbage they have is.
  package internal(set) var rewrittenPacks = 0
  package internal(set) var rewrittenDeadBytes: UInt64 = 0
  /// Small packs that become larger ones.
  package internal(set) var mergedPacks = 0
  /// Packs to rewrite that the limits did not allow.
  package internal(set) var postponedPacks = 0

  /// What became of it: deleted files, new packs.
  package internal(set) var deletedPacks = 0
  package internal(set) var deletedBytes: UInt64 = 0
  package internal(set) var newBytes: UInt64 = 0
  package internal(set) var copiedRecords = 0
  /// Bases that only one delta leaned on, and that it no longer needs.
  package internal(set) var replacedBases = 0
  /// Condemned packs that turned out to be needed.
  package internal(set) var pardonedPacks = 0
  /// Packs that wait for sessions to end.
  package internal(set) var waitingPacks = 0
  package internal(set) var awaited: [AwaitedSession] = []
  /// Packs that cannot be read as they should, so that nothing is done with them.
  package internal(set) var damaged: [(pack: PackID, message: String)] = []

  package internal(set) var removedRevisions = 0
  package internal(set) var unfinishedFiles = 0
  package internal(set) var unfinishedBytes: UInt64 = 0
  /// Why copying ended before its end; nil where it did not.
  package internal(set) var endedEarly: String?

  package init() {}

  /// What the store is shorter by; in a dry run what it would be, about.
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
