import ChunkFormat
package import ChunkStore
import FileIO
import Remedies
import Synchronization
import Workers

/// A named overlay that this process has open: one revision's volumes with what was written to them.
///
/// Its revision stays readable as long, whether it is pinned or not. Close it, or what was written since the last flush is lost if the
/// machine loses power, as with any disk; with the process it is not.
package final class NamedOverlay: Sendable {
  private struct State {
    var volumes: [String: VolumeOverlay] = [:]
    var isClosed = false
  }

  package let name: String
  package let description: OverlayDescription
  /// Whether the revision stays when the overlay is closed: `PinOutcome/unpinned(_:)` where the repository
  /// cannot be written to.
  package let pinning: PinOutcome
  let repository: Repository
  private let files: OverlayFiles
  private let lock: any OpenFile
  private let session: Session
  private let state = Mutex(State())

  /// - Parameter lock: the overlay's, held; let go here where this fails.
  init(
    name: String, description: OverlayDescription, pinning: PinOutcome, files: OverlayFiles,
    lock: any OpenFile, repository: Repository, context: WorkContext
  ) throws(OverlayError) {
    self.name = name
    self.description = description
    self.pinning = pinning
    self.repository = repository
    self.files = files
    self.lock = lock
    do throws(StoreError) {
      session = try repository.beginReading(
        "overlay \(name)", pinned: [description.revision], context: context)
    } catch {
      lock.close()
      throw error.code == .notFound
        ? Self.revisionGone(name, description) : OverlayError(.fileSystem, cause: error)
    }
    try checkVolumes(of: try revision())
  }

  deinit { try? close() }

  /// The revision that the overlay lies on, with its marks as of now; also one that a program that knows no
  /// pins has forgotten, as long as the pin keeps it.
  ///
  /// - Throws: ``OverlayError`` with `.revisionGone` or `.unreadableBase`.
  package func revision() throws(OverlayError) -> RevisionEntry {
    do throws(StoreError) {
      return try repository.revision(description.revision)
    } catch {
      guard error.code == .notFound else { throw OverlayError(.unreadableBase, cause: error) }
      if pinning.isPinned, let kept = try? repository.forgottenRevision(description.revision) {
        return RevisionEntry(id: description.revision, revision: kept, marks: nil)
      }
      throw Self.revisionGone(name, description)
    }
  }

  static func revisionGone(
    _ name: String, _ description: OverlayDescription
  ) -> OverlayError {
    OverlayError(
      .revisionGone,
      "the overlay '\(name)' lies on revision \(description.revision) of \(description.job), which "
        + "the repository no longer has; what was written cannot be read without it",
      remedy: .removeOverlay(name))
  }

  /// What was written to a volume; everybody gets the same.
  ///
  /// - Throws: ``OverlayError`` with `.damaged`.
  package func volume(_ name: String) throws(OverlayError) -> VolumeOverlay {
    try state.withLock { state throws(OverlayError) in
      if let volume = state.volumes[name] { return volume }
      guard !state.isClosed, let described = description.volume(name) else {
        throw OverlayError(
          .invalidRequest, "the overlay '\(self.name)' has no volume '\(name)' open")
      }
      let volume = try VolumeOverlay.open(
        in: files.place(of: name), sizeBytes: described.sizeBytes)
      state.volumes[name] = volume
      return volume
    }
  }

  /// Whether nobody has opened a volume since this process opened the overlay, so that nobody can have
  /// written.
  package var isUntouched: Bool { state.withLock { $0.volumes.isEmpty } }

  /// Makes everything durable that was written, and lets others open the overlay. Closing twice is
  /// harmless.
  package func close() throws(OverlayError) {
    defer { abandon() }
    for volume in state.withLock({ Array($0.volumes.values) }) { try volume.finish() }
  }

  /// Closes the overlay, whatever has been written.
  func abandon() {
    state.withLock { state in
      state.volumes = [:]
      state.isClosed = true
    }
    session.end()
    // Not only closed: a child that is just being started holds a copy of the descriptor till its exec.
    try? lock.unlock()
    lock.close()
  }

  private func checkVolumes(of entry: RevisionEntry) throws(OverlayError) {
    let volumes = entry.revision.volumes.map {
      OverlayDescription.Volume(name: $0.name, sizeBytes: $0.sizeBytes)
    }
    guard volumes == description.volumes else {
      throw OverlayError(
        .damaged,
        "the overlay '\(name)' is for the volumes "
          + "\(description.volumes.map { "\($0.name) (\($0.sizeBytes) bytes)" }), its revision has "
          + "\(volumes.map { "\($0.name) (\($0.sizeBytes) bytes)" })")
    }
  }
}
