import Administration
import CalendarTime
import ChunkFormat
import ChunkStore
import Overlays

/// The overlay in which a server stores what clients write.
struct ServedOverlay {
  let overlay: NamedOverlay
  private let store: OverlayStore
  private let isNew: Bool

  fileprivate init(_ overlay: NamedOverlay, of store: OverlayStore, isNew: Bool) {
    (self.overlay, self.store, self.isNew) = (overlay, store, isNew)
  }

  /// Removes an overlay that was made for a server which then did not start: it would pin its revision for
  /// ever. Where the server had several addresses, a client may have used it on the first one; then it stays.
  func removeIfUnused() {
    guard isNew, overlay.isUntouched else { return }
    do {
      let left = try store.remove(overlay)
      Console.shared.message(
        "the server did not start, so its new overlay '\(overlay.name)' was removed")
      left?.warn()
    } catch {
      Console.shared.warning("the new overlay '\(overlay.name)' stays: \(error)")
    }
  }
}

extension OverlayStore {
  /// The overlay to serve, made where there is none.
  ///
  /// - Parameter references: what the user wrote: the revision to make it on, where there is none yet;
  ///   else at most the job that it is of.
  /// - Throws: ``UsageFailure`` where that does not fit, `ReferenceError` and `OverlayError`.
  func open(
    _ name: String, for references: [RevisionReference], in repository: Repository
  ) throws -> ServedOverlay {
    guard references.count <= 1 else {
      throw UsageFailure(
        "--overlay \(name) is for one revision, found \(references.count): "
          + references.map(\.text).joined(separator: " "))
    }
    let isNew = try !contains(name)
    if isNew { try make(name, for: references.first, in: repository) }
    let overlay = try open(name)
    if case .unpinned(let reason) = overlay.pinning {
      Console.shared.warning(
        "the overlay '\(name)' is not pinned, and what is written to it is lost when its revision is "
          + "forgotten or pruned: \(reason)")
    }
    if let reference = references.first { try check(overlay, against: reference, in: repository) }
    return ServedOverlay(overlay, of: self, isNew: isNew)
  }

  private func make(
    _ name: String, for reference: RevisionReference?, in repository: Repository
  ) throws {
    guard let reference else {
      throw UsageFailure(
        "there is no overlay '\(name)'; to make it, say on which revision, such as "
          + "'varve serve web01@latest --overlay \(name)'")
    }
    let entry = try repository.revision(reference)
    if reference.volume != nil { _ = try reference.volume(of: entry.revision) }
    try create(name, on: entry)
    Console.shared.message(
      "made the overlay '\(name)' on revision \(entry.shortID) of \(entry.revision.job)")
  }

  private func check(
    _ overlay: NamedOverlay, against reference: RevisionReference, in repository: Repository
  ) throws {
    let (own, meant) = (try overlay.revision(), try repository.revision(reference))
    guard own.revision.job == meant.revision.job else {
      throw Failure(
        "the overlay '\(overlay.name)' is of job '\(own.revision.job)', and \(reference.text) is of "
          + "'\(meant.revision.job)'; choose another name for an overlay on that")
    }
    if reference.volume != nil { _ = try reference.volume(of: own.revision) }
    guard own.id != meant.id else { return }
    Console.shared.message(
      "the overlay '\(overlay.name)' stays on revision \(own.shortID) of "
        + "\(TimeZone.shown.text(of: own.revision.created)); \(reference.text) is another one now"
    )
  }
}
