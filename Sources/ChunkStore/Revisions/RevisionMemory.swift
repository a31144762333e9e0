import ChunkFormat
import ObjectStorage
import Synchronization

/// What the last look at all revisions read, so that the next one need only read what is new: a
/// revision's file never changes, and marks that are given anew are another file.
///
/// Bounded in bytes of files. What does not fit is read again each time.
final class RevisionMemory: Sendable {
  /// Default bound, in bytes of files: those of some 40,000 revisions.
  static let standardLimitBytes = 16 << 20

  /// A revision as it was read.
  struct Known: Sendable {
    let entry: RevisionEntry
    /// What the revision's file holds.
    let revision: Revision
    /// Version of the marks that ``entry`` has; nil where there were none.
    let marks: ObjectVersion?
    /// Length of the revision's file.
    let fileBytes: Int
  }

  /// All revisions, as long as nothing is new.
  struct Snapshot: Sendable {
    /// Of everything in the directory of revisions.
    let names: [String]
    let marks: AreaVersions
    let listing: RevisionListing
  }

  private struct State {
    var known: [RevisionID: Known] = [:]
    var snapshot: Snapshot?
  }

  private let limitBytes: Int
  private let state = Mutex(State())

  init(limitBytes: Int = standardLimitBytes) { self.limitBytes = limitBytes }

  /// The last listing, where exactly these names and marks were there.
  func listing(of names: [String], marks: AreaVersions) -> RevisionListing? {
    let snapshot = state.withLock { $0.snapshot }
    guard let snapshot, snapshot.names == names, snapshot.marks.versions == marks.versions else {
      return nil
    }
    return snapshot.listing
  }

  /// The versions of marks at the last listing.
  var marks: AreaVersions? { state.withLock { $0.snapshot?.marks } }

  /// What is known of single revisions.
  var known: [RevisionID: Known] { state.withLock { $0.known } }

  /// Keeps what was read, in place of all that was kept before.
  ///
  /// - Parameter snapshot: all of it as a listing, where every revision could be read.
  func keep(_ revisions: [Known], _ snapshot: Snapshot?) {
    var (kept, bytes): ([RevisionID: Known], Int) = ([:], 0)
    kept.reserveCapacity(revisions.count)
    for revision in revisions {
      bytes += revision.fileBytes
      guard bytes <= limitBytes else { break }
      kept[revision.entry.id] = revision
    }
    let isAll = kept.count == revisions.count
    state.withLock { $0 = State(known: kept, snapshot: isAll ? snapshot : nil) }
  }
}
