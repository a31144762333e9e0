import CalendarTime
package import ChunkFormat
package import ChunkStore
package import Remedies

/// What the person who asked should know although the operation went on.
package enum Notice: Sendable, CustomStringConvertible {
  /// The revision exists, and may be the one that was meant.
  case unreadable(RevisionID, StoreError)
  case distrusted(RevisionID, job: String)
  /// What pruning would do is not known.
  case unreadablePolicies(StoreError)
  /// There was no overlay of this name.
  case overlayMade(String, on: RevisionEntry)
  /// The revision of the overlay can be deleted, and what is written to the overlay is lost with it.
  case overlayUnpinned(String, reason: String)
  /// The overlay is on another revision than the one that the reference stands for now.
  case overlayStays(String, on: RevisionEntry, reference: String)
  /// Not all logical volumes of the disk are active.
  case incompleteLogicalVolumes(any Error)
  /// The disk is attached, and its logical volumes are not active.
  case inactiveLogicalVolumes(any Error)
  /// Something of a device or a mount that failed is still there.
  case notUndone(any Error)
  /// The record of a volume that was attached or mounted.
  case unreadableLocalVolume(any Error)

  package var description: String {
    switch self {
    case .unreadable(let id, let error): "revision \(id) cannot be read: \(error)"
    case .distrusted(let id, let job): "revision \(id.short) of \(job) is distrusted"
    case .unreadablePolicies(let error): "cannot tell what pruning would free: \(error)"
    case .overlayMade(let name, let entry):
      "created the overlay '\(name)' on revision \(entry.shortID) of \(entry.revision.job)"
    case .overlayUnpinned(let name, let reason):
      "the overlay '\(name)' is not pinned: its data is lost if its revision is forgotten or "
        + "pruned: \(reason)"
    case .overlayStays(let name, let entry, let reference):
      "the overlay '\(name)' stays on revision \(entry.shortID) of "
        + "\(entry.revision.created.rfc3339); \(reference) now refers to another revision"
    case .incompleteLogicalVolumes(let error): "not all logical volumes are available: \(error)"
    case .inactiveLogicalVolumes(let error):
      "the logical volumes on the device are not active: \(error)"
    case .notUndone(let error): "could not clean up completely: \(error)"
    case .unreadableLocalVolume(let error): "\(error)"
    }
  }
}

extension Notice {
  /// What the person can do about it.
  package var remedies: [Remedy] {
    switch self {
    case .unreadable(_, let error), .unreadablePolicies(let error): Remedy.of(error)
    case .incompleteLogicalVolumes(let error), .inactiveLogicalVolumes(let error),
      .notUndone(let error), .unreadableLocalVolume(let error):
      Remedy.of(error)
    case .distrusted, .overlayMade, .overlayUnpinned, .overlayStays: []
    }
  }
}

/// An operation that failed after it had noticed something.
package struct NoticedFailure: Error {
  package let cause: any Error
  package let notices: [Notice]
}

extension [Notice] {
  /// Runs an operation that collects notices; where it fails, they go with the error.
  ///
  /// - Throws: what `body` throws, or a ``NoticedFailure`` with that.
  static func collecting<Outcome>(
    _ body: (inout [Notice]) throws -> Outcome
  ) throws -> Outcome {
    var notices: [Notice] = []
    do {
      return try body(&notices)
    } catch {
      throw notices.isEmpty ? error : NoticedFailure(cause: error, notices: notices)
    }
  }

  /// All revisions of a repository; those that cannot be read are noticed.
  mutating func listing(of repository: Repository) throws -> RevisionListing {
    let listing = try repository.revisions()
    self += listing.notices
    return listing
  }

  /// The revision that a reference stands for; that it is distrusted is noticed.
  mutating func revision(
    _ reference: RevisionReference, in listing: RevisionListing
  ) throws -> RevisionEntry {
    let entry = try listing.revision(reference)
    self += entry.notices
    return entry
  }

  /// The same in all revisions of a repository.
  mutating func revision(
    _ reference: RevisionReference, of repository: Repository
  ) throws -> RevisionEntry {
    let listing = try listing(of: repository)
    return try revision(reference, in: listing)
  }
}

extension RevisionListing {
  /// Revisions that cannot be read: any of them may be the one that was meant.
  package var notices: [Notice] { unreadable.map { .unreadable($0.id, $0.error) } }
}

extension RevisionEntry {
  /// What whoever uses it should know.
  package var notices: [Notice] {
    marks.trust == .distrusted ? [.distrusted(id, job: revision.job)] : []
  }
}
