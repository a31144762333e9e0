package import ChunkFormat
package import ChunkStore

/// How much of a revision is read back.
package enum VerificationPolicy: Equatable, Sendable {
  /// The whole volume if it has at most ``automaticFullBytes`` of data, otherwise a sample of
  /// ``automaticSamplePercent``.
  case automatic
  case full
  /// A random sample of this percentage of the chunks. Above 0, at most 100.
  case sample(percent: Double)
  case none

  package static let automaticFullBytes: UInt64 = 1 << 30
  package static let automaticSamplePercent = 5.0

  /// Returns the share of chunks to read for a volume with `dataBytes`, from 0 to 1.
  func share(dataBytes: UInt64) -> Double {
    switch self {
    case .automatic: dataBytes <= Self.automaticFullBytes ? 1 : Self.automaticSamplePercent / 100
    case .full: 1
    case .sample(let percent): min(percent, 100) / 100
    case .none: 0
    }
  }
}

extension VerificationPolicy {
  /// Returns how many chunks in holes to compare with the source.
  ///
  /// A nearly empty volume has very many, so ``automatic`` compares at most ``automaticFullBytes``.
  func holeChunks(of total: UInt64, chunkSizeBytes: Int) -> UInt64 {
    switch self {
    case .automatic: min(total, Self.automaticFullBytes / UInt64(chunkSizeBytes))
    case .full: total
    case .sample(let percent):
      min(total, UInt64((Double(total) * min(percent, 100) / 100).rounded(.up)))
    case .none: 0
    }
  }
}

/// The result of a verification.
package struct VerificationReport: Sendable {
  /// Content that does not read back as it was stored.
  package struct Damage: Sendable {
    package let job: String
    package let revision: RevisionID
    /// The name of the volume or attachment.
    package let name: String
    package let offsetBytes: UInt64
    package fileprivate(set) var lengthBytes: UInt64
    /// How many adjacent chunks, or parts of the map, failed in the same pack.
    package fileprivate(set) var count = 1
    /// The name of the pack, if it is known.
    package let pack: String?
    /// The message for the first of these chunks or parts.
    package let message: String
    /// How many revisions contain the damage, including this one.
    package fileprivate(set) var revisionCount = 0

    init(
      job: String, revision: RevisionID, name: String, offsetBytes: UInt64, lengthBytes: UInt64,
      pack: String?, message: String
    ) {
      self.job = job
      self.revision = revision
      self.name = name
      self.offsetBytes = offsetBytes
      self.lengthBytes = lengthBytes
      self.pack = pack
      self.message = message
    }

    /// Whether `next` continues this damage. It may name no pack: once a pack is known to be
    /// missing, the index no longer names it for its records.
    fileprivate func isContinued(by next: Damage) -> Bool {
      (job, revision, name) == (next.job, next.revision, next.name)
        && offsetBytes + lengthBytes == next.offsetBytes
        && (next.pack == nil || next.pack == pack)
    }
  }

  package var revisions = 0
  /// Revisions that were deleted after they were listed. Some of them may have been read.
  package var forgotten = 0
  /// Chunks that were read back and compared with their ids.
  package var checkedChunks: UInt64 = 0
  /// Distinct chunks in the revisions, without holes.
  package var totalChunks: UInt64 = 0
  package var checkedBytes: UInt64 = 0
  package var damages: [Damage] = []
  /// The number of damages that are not listed, so that a broken disk does not fill the memory.
  package var furtherDamages = 0
  /// Intact chunks, and pieces of holes, that differ in the source because it has changed since the
  /// backup.
  package var changedAtSource: UInt64 = 0
  /// Bytes that the source reported as holes and that this verification read for comparison.
  package var comparedHoleBytes: UInt64 = 0
  /// Pieces that the source reported as holes although they already had data. The revision lacks
  /// this data.
  package private(set) var missedPieces: UInt64 = 0
  /// The offset of the first such data.
  package private(set) var firstMissedBytes: UInt64?
  /// Whether the sources were compared as well.
  package var comparedSources = false
  /// Copies that this verification added to the quarantine.
  package var quarantined = 0
  /// Why the result is not recorded: the repository is read-only. Nil if it is recorded.
  package var notNoted: StoreError?
  /// Revisions whose result could not be recorded, because their marks are damaged.
  package var unmarkable: [(id: RevisionID, error: StoreError)] = []

  package init() {}

  package var isClean: Bool { damages.isEmpty && unmarkable.isEmpty && missedPieces == 0 }
  /// The number of all damages, listed or not.
  package var damageCount: Int { damages.count + furtherDamages }
  /// Whether every chunk was read.
  package var isComplete: Bool { checkedChunks == totalChunks }

  static let listedDamages = 10_000

  mutating func add(missedAt offsetBytes: UInt64) {
    missedPieces += 1
    firstMissedBytes = firstMissedBytes ?? offsetBytes
  }

  /// Adds a damage.
  ///
  /// - Returns: the position of the damage in ``damages``; nil if it is not listed.
  mutating func add(_ damage: Damage) -> Int? {
    if furtherDamages == 0, let last = damages.last, last.isContinued(by: damage) {
      damages[damages.count - 1].lengthBytes += damage.lengthBytes
      damages[damages.count - 1].count += damage.count
    } else if damages.count < Self.listedDamages {
      damages.append(damage)
    } else {
      furtherDamages += 1
      return nil
    }
    return damages.count - 1
  }

  mutating func countRevision(ofDamage number: Int) { damages[number].revisionCount += 1 }
}
