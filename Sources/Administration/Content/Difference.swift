package import BackupEngine
package import ChunkFormat
package import ChunkStore
package import JSONText

/// Lists the ranges in which two revisions differ.
///
/// Volumes are matched by name. Two revisions with one volume each are compared whatever the names. Where
/// a reference names a volume, only that volume is compared.
package struct DifferenceRequest: Sendable {
  package let older: RevisionReference
  package let newer: RevisionReference

  package init(from older: RevisionReference, to newer: RevisionReference) {
    (self.older, self.newer) = (older, newer)
  }

  /// Looks up what is to be compared; reads no map yet.
  ///
  /// - Throws: ``Refusal/noCommonVolume(older:newer:)``, `ReferenceError`, `StoreError`, or a
  ///   ``NoticedFailure`` with one of these.
  package func prepare(on repository: Repository) throws -> RevisionComparison {
    try [Notice].collecting { notices in
      let listing = try notices.listing(of: repository)
      let (from, to) = (try listing.revision(older), try listing.revision(newer))
      let pairs = try pairs(from.revision, to.revision)
      return RevisionComparison(
        repository: repository, request: self, from: from, to: to, pairs: pairs, notices: notices)
    }
  }

  fileprivate var namesVolume: Bool { older.volume != nil || newer.volume != nil }

  private func pairs(_ from: Revision, _ to: Revision) throws -> [RevisionComparison.Pair] {
    if namesVolume {
      let left = try older.volume(of: from, named: older.volume ?? newer.volume)
      let right = try newer.volume(of: to, named: newer.volume ?? older.volume)
      return [(left, right)]
    }
    if from.volumes.count == 1, to.volumes.count == 1 { return [(from.volumes[0], to.volumes[0])] }
    let pairs = from.volumes.compactMap { volume in
      to.volume(named: volume.name).map { (volume, $0) }
    }
    guard !pairs.isEmpty else {
      throw Refusal.noCommonVolume(
        older: .init(reference: older.text, volumes: from.volumes.map(\.name)),
        newer: .init(reference: newer.text, volumes: to.volumes.map(\.name)))
    }
    return pairs
  }
}

/// Two revisions, and which of their volumes are compared.
package struct RevisionComparison: Sendable {
  package typealias Pair = (old: RevisionVolume, new: RevisionVolume)

  private let repository: Repository
  private let request: DifferenceRequest
  package let from: RevisionEntry
  package let to: RevisionEntry
  package let pairs: [Pair]
  package let notices: [Notice]

  fileprivate init(
    repository: Repository, request: DifferenceRequest, from: RevisionEntry, to: RevisionEntry,
    pairs: [Pair], notices: [Notice]
  ) {
    (self.repository, self.request) = (repository, request)
    (self.from, self.to, self.pairs, self.notices) = (from, to, pairs, notices)
  }

  /// Volumes whose sizes differ. An added part that reads as zeros is no range that differs.
  package var resized: [ResizedVolume] {
    pairs.compactMap { ResizedVolume(from: $0.old, to: $0.new) }
  }

  /// Volumes of the older revision that the newer one lacks, where whole revisions are compared.
  package var onlyInFrom: [String] { unpaired(in: from, pairs.map(\.old)) }

  /// The same the other way round.
  package var onlyInTo: [String] { unpaired(in: to, pairs.map(\.new)) }

  private func unpaired(in entry: RevisionEntry, _ compared: [RevisionVolume]) -> [String] {
    if request.namesVolume { return [] }
    return entry.revision.volumes.map(\.name).filter { name in
      !compared.contains { $0.name == name }
    }
  }

  /// Calls `body` with each range that differs, in order: there may be more than memory can hold.
  ///
  /// - Throws: what reading the maps or `body` throws.
  package func run(
    _ body: (_ volume: RevisionVolume, ChangedExtent) throws -> Void
  ) throws -> DifferenceTotals {
    var totals = DifferenceTotals()
    for pair in pairs {
      try repository.forEachDifference(from: pair.old, to: pair.new) { extent in
        totals.add(extent)
        try body(pair.new, extent)
      }
    }
    return totals
  }

  /// Writes the document `difference`, whose array of changes may be long.
  ///
  /// - Parameter write: called with each part of the text, in order; an error that it throws ends the
  ///   document.
  package func document(_ write: (String) throws -> Void) throws {
    var document = StreamedDocument()
    try write(document.member("from", .string(from.id.description)))
    try write(document.member("to", .string(to.id.description)))
    try write(document.beginArray("changes"))
    let totals = try run { volume, extent in
      try write(document.element(extent.json(in: volume)))
    }
    try write(document.endArray())
    try write(document.member("resized", .array(resized.map(\.json))))
    try write(document.member("volumesOnlyInFrom", .strings(onlyInFrom)))
    try write(document.member("volumesOnlyInTo", .strings(onlyInTo)))
    try write(document.member("changedBytes", .unsigned(totals.changedBytes)))
    try write(document.member("clearedBytes", .unsigned(totals.clearedBytes)))
    try write(document.end())
  }
}

package struct DifferenceTotals: Equatable, Sendable {
  package private(set) var ranges = 0
  /// In ranges where the newer revision has data.
  package private(set) var changedBytes: UInt64 = 0
  /// In ranges where it has a hole.
  package private(set) var clearedBytes: UInt64 = 0

  fileprivate mutating func add(_ extent: ChangedExtent) {
    ranges += 1
    if extent.isHole {
      clearedBytes += extent.lengthBytes
    } else {
      changedBytes += extent.lengthBytes
    }
  }
}

extension ChangedExtent {
  fileprivate func json(in volume: RevisionVolume) -> JSON {
    .object([
      "volume": .string(volume.name), "offsetBytes": .unsigned(offsetBytes),
      "lengthBytes": .unsigned(lengthBytes), "kind": .string(isHole ? "hole" : "data"),
    ])
  }
}

extension ResizedVolume {
  /// An element of `resized` in the documents `difference` and `backup`.
  package var json: JSON {
    .object([
      "volume": .string(name), "fromBytes": .unsigned(oldSizeBytes),
      "toBytes": .unsigned(newSizeBytes),
    ])
  }
}
