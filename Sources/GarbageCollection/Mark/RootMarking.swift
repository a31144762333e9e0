import ChunkFormat
import ChunkStore
import Remedies
import VolumeMap
import VolumeReader

/// Marks everything that revisions refer to: listed revisions, and forgotten revisions that a
/// session or a pin keeps.
struct RootMarking {
  private let repository: Repository
  private let live: LiveRecords
  private let nodes: any NodeReading
  private let changesNothing: Bool
  private let step: () throws -> Void
  private var seen: Set<RevisionID> = []
  /// The revisions that were marked, and the one that was being marked when an error occurred.
  private var met: Set<RevisionID> = []
  /// The revisions that a session or a pin kept at the last look.
  private(set) var pinned: Set<RevisionID> = []
  /// Packs that the index does not list completely.
  private(set) var unlisted: [(pack: PackID, error: StoreError)] = []

  /// Prepares a marking. Nothing is marked yet.
  ///
  /// - Parameters:
  ///   - changesNothing: as for `ChunkStore/Repository/roots(changesNothing:)`.
  ///   - step: called from time to time. Throws to end the walk.
  init(
    _ repository: Repository, _ live: LiveRecords, changesNothing: Bool,
    step: @escaping () throws -> Void
  ) {
    self.changesNothing = changesNothing
    self.repository = repository
    self.live = live
    nodes = repository.nodeReader
    self.step = step
  }

  var revisions: Int { seen.count }

  /// Marks every root that is new since the last call, and looks again until there is no new root.
  ///
  /// Sessions are read before revisions, and no revision is forgotten in between. So the revision
  /// of a session that has ended by then is in the list, and a live session has pinned its parent.
  /// A session that begins later builds on a revision that one of these looks has seen, or on a
  /// revision of a session that has.
  ///
  /// - Throws: ``CollectionError`` with `.unreadable` if a revision, a map node or a list cannot be
  ///   read, because its references are then unknown.
  /// - Returns: whether there were new roots.
  @discardableResult
  mutating func markNew() throws -> Bool {
    var isAnyNew = false
    while true {
      let (kept, listing) = try repository.roots(changesNothing: changesNothing)
      if let (id, error) = listing.unreadable.first {
        throw CollectionError(
          .unreadable,
          "nothing is deleted: revision \(id) cannot be read (\(error)), so it is unknown what it "
            + "needs",
          cause: error, remedy: .checkRepository)
      }
      pinned = kept
      let listed = listing.entries.filter { !seen.contains($0.id) }.map { ($0.id, $0.revision) }
      let forgotten = try forgotten(pinned.subtracting(seen).subtracting(listed.map(\.0)))
      if listed.isEmpty && forgotten.isEmpty { return isAnyNew }
      isAnyNew = true
      // Another machine may have stored the records of the revision. Their bases must be known.
      unlisted = try repository.records.synchronize { [step] _ in try step() }.damaged
      for (id, revision) in listed + forgotten {
        met.insert(id)
        try mark(id, revision)
      }
    }
  }

  /// Whether one of the roots found so far is no longer a root.
  func isAnyGone() throws(StoreError) -> Bool {
    let (pinned, listing) = try repository.roots(changesNothing: true)
    return !met.isSubset(of: pinned.union(listing.entries.map(\.id)))
  }

  /// Returns the forgotten revisions among the pinned ones whose files still exist. A revision
  /// without a file was forgotten before the session could pin it, and the session will notice
  /// that.
  func forgotten(
    _ ids: Set<RevisionID>
  ) throws -> [(id: RevisionID, revision: Revision)] {
    var revisions: [(id: RevisionID, revision: Revision)] = []
    for id in ids.sorted() {
      do throws(StoreError) {
        revisions.append((id, try repository.forgottenRevision(id)))
      } catch  where error.code == .notFound {
        continue
      } catch {
        throw CollectionError(
          .unreadable,
          "nothing is deleted: revision \(id), which is forgotten but still in use or pinned, cannot be "
            + "read (\(error))",
          cause: error, remedy: .listPins)
      }
    }
    return revisions
  }

  private mutating func mark(_ id: RevisionID, _ revision: Revision) throws {
    for volume in revision.volumes {
      var visitor = MarkingVisitor(live: live, step: step)
      do {
        try repository.map(of: volume).walk(reading: nodes, &visitor)
      } catch let error as MapError {
        throw CollectionError(
          .unreadable,
          "nothing is deleted: volume \(volume.name) of revision \(id) of job \(revision.job): \(error); "
            + "it is unknown what the volume needs",
          cause: error, remedy: .checkRepository)
      }
    }
    for attachment in revision.attachments {
      for chunk in attachment.chunks { try live.mark(chunk: chunk) }
    }
    seen.insert(id)
  }
}

/// Marks the nodes and chunks of a volume. If a node is already marked, everything under it is
/// marked too, so it is not walked again.
private struct MarkingVisitor: MapVisitor {
  let live: LiveRecords
  let step: () throws -> Void

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try step()
    return try live.mark(node: id)
  }

  mutating func visit(chunk id: ContentID, number: ChunkNumber) throws {
    try live.mark(chunk: id)
  }
}
