import ChunkFormat
import ChunkStore
import Retention

/// The revisions that a request to forget names.
struct ForgetSelection {
  /// Without two that are the same.
  private(set) var entries: [RevisionEntry] = []
  /// Revisions of which nothing is known but their ids.
  private(set) var unreadable: [RevisionID] = []
  /// A name that was given, and an unreadable revision that it could mean.
  private var doubt: (name: String, revision: RevisionID)?

  var ids: [RevisionID] { entries.map(\.id) + unreadable }

  /// Adds all revisions of `job`.
  mutating func add(job: String, of listing: RevisionListing) throws {
    entries += try listing.history(of: job)
  }

  /// Adds the revision that `reference` stands for.
  ///
  /// - Throws: `ReferenceError`; ``Refusal/OfForgetting/namesJob(_:)`` for the name of a job, of which elsewhere the
  ///   newest revision is meant: here somebody may have meant all.
  mutating func add(_ reference: RevisionReference, of listing: RevisionListing) throws {
    if let id = reference.wholeID, listing.unreadable.contains(where: { $0.id == id }) {
      if !unreadable.contains(id) { unreadable.append(id) }
      return
    }
    if listing.entries.contains(where: { $0.revision.job == reference.text }) {
      throw Refusal.forgetting(.namesJob(reference.text))
    }
    let entry = try listing.revision(reference)
    if let id = listing.unreadable.first?.id, !reference.isID(among: listing.entries) {
      doubt = (reference.text, id)
    }
    if !entries.contains(where: { $0.id == entry.id }) { entries.append(entry) }
  }

  /// The same revisions as they are now; those that are gone stay as they were.
  func renewed(from listing: RevisionListing) -> ForgetSelection {
    var renewed = self
    renewed.entries = entries.map { entry in
      listing.entries.first { $0.id == entry.id } ?? entry
    }
    return renewed
  }

  /// Refuses what nobody does without meaning it.
  ///
  /// - Parameter all: every revision that can be read.
  func check(forcesProtected: Bool, isConfirmed: Bool, among all: [RevisionEntry]) throws {
    let held = entries.filter { $0.marks.isProtected || $0.marksDamage != nil }
    if !forcesProtected, !held.isEmpty { throw Refusal.forgetting(.protected(held)) }
    if isConfirmed { return }
    if let doubt { throw Refusal.forgetting(.mayMeanUnreadable(name: doubt.name, doubt.revision)) }
    if let id = unreadable.first { throw Refusal.forgetting(.unreadable(id)) }
    let chosen = Set(ids)
    for job in Set(entries.map(\.revision.job)).sorted() {
      let history = all.filter { $0.revision.job == job }
      let rest = history.filter { !chosen.contains($0.id) }
      if rest.isEmpty { throw Refusal.forgetting(.wouldLeaveNone(job: job)) }
      if history.contains(where: \.isUsable), !rest.contains(where: \.isUsable) {
        throw Refusal.forgetting(.wouldLeaveNoneUsable(job: job, left: rest.count))
      }
    }
  }
}
