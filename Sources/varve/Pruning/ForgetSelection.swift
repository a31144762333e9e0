import ChunkFormat
import ChunkStore
import Retention

/// What 'varve forget' was told to forget.
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
  /// - Throws: ``ReferenceError``; ``Failure`` for the name of a job, of which elsewhere the newest
  ///   revision is meant: here somebody may have meant all.
  mutating func add(_ reference: RevisionReference, of listing: RevisionListing) throws {
    if let id = reference.wholeID, listing.unreadable.contains(where: { $0.id == id }) {
      if !unreadable.contains(id) { unreadable.append(id) }
      return
    }
    if listing.entries.contains(where: { $0.revision.job == reference.text }) {
      throw Failure(
        "'\(reference.text)' is a job: write \(reference.text)@latest for its newest revision, or "
          + "--job \(reference.text) for all")
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
  /// - Parameters:
  ///   - isSure: `--yes` was given.
  ///   - all: every revision that can be read.
  func check(forcesProtected: Bool, isSure: Bool, among all: [RevisionEntry]) throws {
    if !forcesProtected { try checkProtection() }
    if isSure { return }
    if let doubt {
      throw Failure(
        .unconfirmed,
        "revision \(doubt.revision) cannot be read, and may be the one that '\(doubt.name)' means; name "
          + "the revision by its id, or add --yes to ignore the unreadable one")
    }
    if let id = unreadable.first {
      throw Failure(
        .unconfirmed,
        "revision \(id) cannot be read, so nobody knows what it holds, and whether it is protected; "
          + "to give it up, add --yes")
    }
    let chosen = Set(ids)
    for job in Set(entries.map(\.revision.job)).sorted() {
      let history = all.filter { $0.revision.job == job }
      let rest = history.filter { !chosen.contains($0.id) }
      if rest.isEmpty {
        throw Failure(.unconfirmed, "no revision of \(job) would be left; add --yes to go on")
      }
      if history.contains(where: \.isUsable), !rest.contains(where: \.isUsable) {
        throw Failure(
          .unconfirmed,
          "no usable revision of \(job) would be left, only \(rest.count) distrusted or unusual "
            + (rest.count == 1 ? "one" : "ones") + "; add --yes to go on")
      }
    }
  }

  private func checkProtection() throws {
    let held = entries.filter { $0.marks.isProtected || $0.marksDamage != nil }
    guard !held.isEmpty else { return }
    let names = held.map { entry in
      entry.oneLine + (entry.marks.isProtected ? "" : " (perhaps: its marks cannot be read)")
    }
    throw Failure(
      .protected,
      "protected, and not forgotten: \(names.joined(separator: ", ")); 'varve unprotect' lets them "
        + "go, or --force-protected")
  }
}
