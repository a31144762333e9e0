import ChunkFormat
import ChunkStore
package import NBDServer
package import Overlays
import Synchronization
import VolumeReader

/// Writable exports of revisions. Writes go to overlays, never to the repository.
package final class WritableCatalog: ExportCatalog {
  /// Which connections share the written data, and for how long.
  package enum Mode: Sendable {
    /// Every connection has its own overlay, which is removed when the connection ends.
    case privateOverlays(TemporaryOverlays)
    /// All connections to the same export share an overlay, as long as the catalogue exists.
    case sharedOverlays(TemporaryOverlays)
    /// All connections share a named overlay, which later servers can use again. Only the overlay's
    /// revision is exported, or only the named volume of it.
    case named(NamedOverlay, volume: String?)
  }

  private let base: RevisionCatalog
  private let mode: Mode
  /// The shared overlays by the canonical name of the export.
  private let shared = Mutex<[String: VolumeOverlay]>([:])

  /// Creates a catalogue that adds overlays to the volumes of `base`.
  ///
  /// - Parameters:
  ///   - base: the catalogue of the revisions. A named overlay is exported even if `base` does not
  ///     export its revision.
  ///   - mode: the kind of overlays. ``close()`` closes a named overlay.
  package init(base: RevisionCatalog, mode: Mode) {
    self.base = base
    self.mode = mode
  }

  /// Returns the unique name of the export that the empty name stands for now. Nil if there is no
  /// such export.
  package func defaultExportName() throws -> String? {
    guard case .named(let overlay, let volume) = mode else { return try base.defaultExportName() }
    guard volume != nil || overlay.description.volumes.count == 1 else { return nil }
    return try list().first?.name
  }

  package func list() throws -> [ExportListing] {
    guard case .named(let overlay, let volume) = mode else { return try base.list() }
    let entry = try overlay.revision()
    return zip(entry.revision.volumes, base.listings(of: entry))
      .filter { volume == nil || $0.0.name == volume }
      .map { _, listing in
        ExportListing(
          name: listing.name, description: overlay.description(of: listing.description))
      }
  }

  package func open(_ name: String) throws -> OpenedExport? {
    try open(name) { try base.open(name) }
  }

  package func reopen(_ name: String, as canonicalName: String) throws -> OpenedExport? {
    try open(name) { try base.reopen(name, as: canonicalName) }
  }

  /// Opens an export with its overlay.
  ///
  /// - Parameter openBase: opens the revision under the overlay. Not used for a named overlay.
  private func open(
    _ name: String, _ openBase: () throws -> OpenedExport?
  ) throws -> OpenedExport? {
    switch mode {
    case .privateOverlays(let overlays):
      var export = try openBase()
      export?.isShared = false
      return try writable(export) { export throws(OverlayError) in
        try overlays.makeOverlay(sizeBytes: export.volume.sizeBytes)
      }
    case .sharedOverlays(let overlays):
      return try writable(try openBase()) { export throws(OverlayError) in
        try sharedOverlay(of: export, from: overlays)
      }
    case .named(let overlay, let only):
      let entry = try overlay.revision()
      let volume = try volume(name, of: entry, only: only)
      var export = try base.open(volume, of: entry)
      export.description = overlay.description(of: export.description)
      return try writable(export) { _ throws(OverlayError) in try overlay.volume(volume.name) }
    }
  }

  /// Makes the writes to a named overlay durable, and lets other processes open it. Call this when
  /// no connection is left.
  package func close() throws(OverlayError) {
    if case .named(let overlay, _) = mode { try overlay.close() }
  }

  /// Returns the volume that a name selects in the overlay's revision. Without a name, returns the
  /// only exported volume.
  private func volume(
    _ name: String, of entry: RevisionEntry, only: String?
  ) throws(NoSuchExport) -> RevisionVolume {
    guard !name.isEmpty else {
      guard let volume = entry.revision.volume(named: only) else {
        throw NoSuchExport("there is no default export: the overlay has several volumes")
      }
      return volume
    }
    let volume: RevisionVolume
    do throws(ReferenceError) {
      let reference = try RevisionReference(name)
      let found = try base.revision(reference, in: [entry]).revision
      volume = try reference.volume(of: found, named: reference.volume ?? only)
    } catch {
      throw NoSuchExport(error.description)
    }
    guard only == nil || volume.name == only else {
      throw NoSuchExport("\(name) is not exported")
    }
    return volume
  }

  private func sharedOverlay(
    of export: OpenedExport, from overlays: TemporaryOverlays
  ) throws(OverlayError) -> VolumeOverlay {
    try shared.withLock { shared throws(OverlayError) in
      if let overlay = shared[export.canonicalName] { return overlay }
      let overlay = try overlays.makeOverlay(sizeBytes: export.volume.sizeBytes)
      shared[export.canonicalName] = overlay
      return overlay
    }
  }

  private func writable(
    _ export: OpenedExport?, _ overlay: (OpenedExport) throws(OverlayError) -> VolumeOverlay
  ) throws(OverlayError) -> OpenedExport? {
    guard var export else { return nil }
    do throws(OverlayError) {
      let volume = try OverlaidVolume(base: export.volume, overlay: try overlay(export))
      export.volume = volume
      export.contexts = nil
      // If the last flush fails, no client is left that could be told. The overlay records the
      // loss.
      export.close = { [close = export.close] in
        try? volume.synchronize()
        close()
      }
      return export
    } catch {
      export.close()
      throw error
    }
  }
}

extension NamedOverlay {
  /// Helps a person to choose.
  fileprivate func description(of revision: String) -> String { "overlay \(name) on \(revision)" }
}
