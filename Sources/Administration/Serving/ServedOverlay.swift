import ChunkFormat
import ChunkStore
package import Overlays

/// The overlay in which a server keeps what clients write.
package struct ServedOverlay: Sendable {
  /// What became of an overlay that was made for nothing.
  package enum Removal: Sendable {
    /// - Parameter leftPin: a pin that could not be released.
    case removed(leftPin: LeftPin?)
    case stays(OverlayError)
  }

  package let overlay: NamedOverlay
  private let store: OverlayStore
  private let isNew: Bool

  fileprivate init(_ overlay: NamedOverlay, of store: OverlayStore, isNew: Bool) {
    (self.overlay, self.store, self.isNew) = (overlay, store, isNew)
  }

  /// Removes an overlay that was made for a server which then did not start: it would pin its revision for
  /// ever. Where the server had several addresses, a client may have used it on the first one; then it stays.
  ///
  /// - Returns: nil where it was there before, or is in use.
  package func removeIfUnused() -> Removal? {
    guard isNew, overlay.isUntouched else { return nil }
    do throws(OverlayError) {
      return .removed(leftPin: try store.remove(overlay))
    } catch {
      return .stays(error)
    }
  }
}

extension OverlayStore {
  /// The overlay to serve, made where there is none.
  ///
  /// - Parameter references: the revision to make it on, where there is none yet; else at most the job that
  ///   it is of.
  /// - Throws: ``Refusal/serving(_:)`` where that does not fit, `ReferenceError`, `StoreError`, `OverlayError`.
  func serve(
    _ name: String, for references: [RevisionReference], in repository: Repository,
    _ notices: inout [Notice]
  ) throws -> ServedOverlay {
    guard references.count <= 1 else {
      throw Refusal.serving(.severalRevisions(overlay: name, references.map(\.text)))
    }
    let isNew = try !contains(name)
    if isNew { try make(name, on: references.first, in: repository, &notices) }
    let overlay = try open(name)
    if case .unpinned(let reason) = overlay.pinning {
      notices.append(.overlayUnpinned(name, reason: reason))
    }
    if let reference = references.first {
      try check(overlay, against: reference, in: repository, &notices)
    }
    return ServedOverlay(overlay, of: self, isNew: isNew)
  }

  private func make(
    _ name: String, on reference: RevisionReference?, in repository: Repository,
    _ notices: inout [Notice]
  ) throws {
    guard let reference else { throw Refusal.serving(.noOverlay(name)) }
    let entry = try notices.revision(reference, of: repository)
    if reference.volume != nil { _ = try reference.volume(of: entry.revision) }
    try create(name, on: entry)
    notices.append(.overlayMade(name, on: entry))
  }

  private func check(
    _ overlay: NamedOverlay, against reference: RevisionReference, in repository: Repository,
    _ notices: inout [Notice]
  ) throws {
    let own = try overlay.revision()
    let meant = try notices.revision(reference, of: repository)
    guard own.revision.job == meant.revision.job else {
      throw Refusal.serving(
        .otherJob(
          overlay: overlay.name, of: own.revision.job, reference: reference.text,
          job: meant.revision.job))
    }
    if reference.volume != nil { _ = try reference.volume(of: own.revision) }
    if own.id != meant.id {
      notices.append(.overlayStays(overlay.name, on: own, reference: reference.text))
    }
  }
}
