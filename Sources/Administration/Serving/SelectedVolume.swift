package import ChunkFormat
package import ChunkStore

/// One volume of one revision, which is to be served alone, or made a device or a directory of.
package struct SelectedVolume: Sendable {
  package let repository: Repository
  /// What opened the repository, for another process that is to open it, too.
  package let secret: UnlockSecret?
  package let entry: RevisionEntry
  package let volume: RevisionVolume
  package let notices: [Notice]

  /// - Throws: `ReferenceError`, also for one of several volumes that does not say which; `StoreError`; or a
  ///   ``NoticedFailure`` with one of these.
  package init(
    _ reference: RevisionReference, in repository: Repository, openedWith secret: UnlockSecret?
  ) throws {
    (entry, volume, notices) = try [Notice].collecting { notices in
      let entry = try notices.revision(reference, of: repository)
      return (entry, try reference.volume(of: entry.revision), notices)
    }
    (self.repository, self.secret) = (repository, secret)
  }

  /// The name that stands for this volume and never for another one.
  package var reference: String {
    let revision = "\(entry.revision.job)@\(entry.id)"
    return entry.revision.volumes.count == 1 ? revision : "\(revision)/\(volume.name)"
  }

  /// The same for people.
  package var name: String { Self.shortened(reference) }

  /// A reference, or the name of an export, with the first digits of its id.
  package static func shortened(_ reference: String) -> String {
    guard let at = reference.firstIndex(of: "@") else { return reference }
    let id = reference[reference.index(after: at)...].prefix { $0 != "/" }
    return String(reference[...at] + id.prefix(FileDigest.shortDigits) + reference[id.endIndex...])
  }
}
