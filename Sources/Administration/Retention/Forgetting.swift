package import ChunkFormat
package import ChunkStore
package import JSONText
import Retention

/// Deletes revisions by their names: all of them, or none.
package struct ForgetRequest: Sendable {
  package enum Choice: Sendable {
    case revisions([RevisionReference])
    /// All revisions of a job.
    case job(String)
  }

  package let choice: Choice
  /// Whether protected revisions go, too.
  package var forcesProtected = false
  /// Whether revisions go whose loss may be a mistake.
  package var isConfirmed = false
  package var isDryRun = false

  package init(_ choice: Choice) { self.choice = choice }

  /// - Parameter report: called with the outcome before anything is deleted. If the report fails, nothing is
  ///   deleted.
  /// - Throws: ``Refusal``; `ReferenceError`; `StoreError`, also `.pinned`; what `report` throws; or a
  ///   ``NoticedFailure`` with one of these.
  package func run(
    on repository: Repository, reporting report: (ForgetOutcome) throws -> Void = { _ in }
  ) throws -> ForgetOutcome {
    try [Notice].collecting { notices in
      let users = try repository.revisionUsers()
      let listing = try notices.listing(of: repository)
      let selection = try select(in: listing)
      try check(selection, listing, in: repository)
      let outcome = ForgetOutcome(
        entries: selection.entries, unreadable: selection.unreadable, users: users,
        isDryRun: isDryRun, notices: notices)
      if !isDryRun { try repository.prepareForgetting() }
      notices.removeAll()
      try report(outcome)
      if !isDryRun {
        try repository.forget { listing in
          try check(selection.renewed(from: listing), listing, in: repository)
          return selection.ids
        }
      }
      return outcome
    }
  }

  private func select(in listing: RevisionListing) throws -> ForgetSelection {
    var selection = ForgetSelection()
    switch choice {
    case .job(let job): try selection.add(job: job, of: listing)
    case .revisions(let references):
      for reference in references { try selection.add(reference, of: listing) }
    }
    return selection
  }

  private func check(
    _ selection: ForgetSelection, _ listing: RevisionListing, in repository: Repository
  ) throws {
    try repository.checkPins(of: selection.ids)
    try selection.check(
      forcesProtected: forcesProtected, isConfirmed: isConfirmed, among: listing.entries)
  }
}

package struct ForgetOutcome: Sendable {
  package let entries: [RevisionEntry]
  /// Revisions of which nothing is known but their ids.
  package let unreadable: [RevisionID]
  /// Who reads a revision now, and can go on until that ends.
  package let users: [RevisionID: [String]]
  package let isDryRun: Bool
  package let notices: [Notice]

  package var count: Int { entries.count + unreadable.count }

  /// The document `forget`.
  package var json: JSON {
    .object([
      "isDryRun": .bool(isDryRun),
      "revisions": .array(entries.map(\.json)),
      "unreadableRevisions": .strings(unreadable.map(\.description)),
    ])
  }
}
