import BackupEngine
package import ChunkFormat
package import ChunkStore
package import JSONText

/// Shows all details of one revision, or of one of its volumes.
package struct RevisionDetailsRequest: Sendable {
  package let revision: RevisionReference

  package init(revision: RevisionReference) { self.revision = revision }

  /// - Throws: `StoreError`, `ReferenceError`, or a ``NoticedFailure`` with one of these.
  package func run(on repository: Repository) throws -> RevisionDetailsOutcome {
    try [Notice].collecting { notices in
      let listing = try notices.listing(of: repository)
      let entry = try notices.revision(revision, in: listing)
      let volumes =
        revision.volume == nil
        ? entry.revision.volumes : [try revision.volume(of: entry.revision)]
      return RevisionDetailsOutcome(entry: entry, volumes: volumes, notices: notices)
    }
  }
}

package struct RevisionDetailsOutcome: Sendable {
  package let entry: RevisionEntry
  /// All of them, or the one that was named.
  package let volumes: [RevisionVolume]
  package let notices: [Notice]

  /// The document `revision`; sizes are those of ``volumes``.
  package var json: JSON { entry.json(of: volumes) }

  /// The content of one of the revision's documents.
  ///
  /// - Throws: ``Refusal/noAttachment(_:of:job:present:)``, `StoreError`.
  package func attachment(_ name: String, in repository: Repository) throws -> [UInt8] {
    let attachments = entry.revision.attachments
    guard let found = attachments.first(where: { $0.name == name }) else {
      throw Refusal.noAttachment(
        name, of: entry.id, job: entry.revision.job, present: attachments.map(\.name))
    }
    return try repository.content(of: found)
  }
}
