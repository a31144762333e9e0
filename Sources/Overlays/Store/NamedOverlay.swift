import ChunkFormat
package import ChunkStore
import FileIO
import Remedies
import Synchronization
import Workers

/// A named overlay that this process has open: the volumes of one revision and the data written to
/// them.
///
/// The revision stays readable while the overlay is open, whether it is pinned or not. Close the
/// overlay at the end. Without that, writes since the last flush are lost in a power failure, as
/// with any disk. They are not lost if the process dies.
package final class NamedOverlay: Sendable {
  private struct State {
    var volumes: [String: VolumeOverlay] = [:]
    var isClosed = false
  }

  package let name: String
  package let description: OverlayDescription
  /// Whether the revision stays after the overlay is closed. It is `PinOutcome/unpinned(_:)` if the
  /// repository is read-only.
  package let pinning: PinOutcome
  let repository: Repository
  private let files: OverlayFiles
  private let lock: any OpenFile
  private let session: Session
  private let state = Mutex(State())

  /// Begins a session that pins the overlay's revision.
  ///
  /// - Parameter lock: the overlay's lock, held by this process. Released here if the initializer
  ///   fails.
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

  /// Returns the revision of the overlay, with its current marks. Also returns a forgotten revision
  /// as long as the pin keeps it; a program that does not know pins may have forgotten it.
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
      "the overlay '\(name)' cannot be read: its revision \(description.revision) of "
        + "\(description.job) is no longer in the repository",
      remedy: .removeOverlay(name))
  }

  /// Returns the overlay of a volume. All callers get the same object.
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

  /// Whether no volume was opened since this process opened the overlay. If so, nothing was
  /// written.
  package var isUntouched: Bool { state.withLock { $0.volumes.isEmpty } }

  /// Makes all writes durable, and lets other processes open the overlay. Closing twice is
  /// harmless.
  package func close() throws(OverlayError) {
    defer { abandon() }
    for volume in state.withLock({ Array($0.volumes.values) }) { try volume.finish() }
  }

  /// Closes the overlay without a flush.
  func abandon() {
    state.withLock { state in
      state.volumes = [:]
      state.isClosed = true
    }
    session.end()
    // Closing the file is not enough: a child process that is just starting has a copy of the
    // descriptor until its exec.
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
        "the overlay '\(name)' expects the volumes "
          + "\(description.volumes.map { "\($0.name) (\($0.sizeBytes) bytes)" }), but its revision has "
          + "\(volumes.map { "\($0.name) (\($0.sizeBytes) bytes)" })")
    }
  }
}
