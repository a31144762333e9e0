import ChunkFormat
import ChunkStore
package import NBDServer
package import Overlays
import Synchronization
import VolumeReader

/// Revisions that can be written to: what is written goes to overlays, never to the repository.
package final class WritableCatalog: ExportCatalog {
  /// Who shares what is written, and for how long.
  package enum Mode: Sendable {
    /// Nobody: every connection has an overlay of its own, which is gone with it.
    case privateOverlays(TemporaryOverlays)
    /// All connections to the same export, as long as the catalogue is there.
    case sharedOverlays(TemporaryOverlays)
    /// All connections, and the next server: only the overlay's revision is exported, or only the named
    /// volume of it.
    case named(NamedOverlay, volume: String?)
  }

  private let base: RevisionCatalog
  private let mode: Mode
  /// By the canonical name of the export.
  private let shared = Mutex<[String: VolumeOverlay]>([:])

  /// - Parameters:
  ///   - base: what is underneath. With a named overlay, what it exports is of no matter.
  ///   - mode: a named overlay is closed by ``close()``.
  package init(base: RevisionCatalog, mode: Mode) {
    self.base = base
    self.mode = mode
  }

  /// The name that always stands for what the empty name stands for now; nil where that is no export.
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

  /// - Parameter openBase: opens what is underneath, unless that is a named overlay's revision.
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
      let volume = try Self.volume(name, of: entry, only: only)
      var export = try base.open(volume, of: entry)
      export.description = overlay.description(of: export.description)
      return try writable(export) { _ throws(OverlayError) in try overlay.volume(volume.name) }
    }
  }

  /// Makes durable what was written to a named overlay, and lets others open it. To be called when no
  /// connection is left.
  package func close() throws(OverlayError) {
    if case .named(let overlay, _) = mode { try overlay.close() }
  }

  /// The volume that a name selects, where there is no revision but the overlay's. Without a name, the
  /// only one that is exported.
  private static func volume(
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
      let found = try reference.revision(in: [entry]).revision
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
      // Nobody is there to be told that what was not flushed has been lost; the overlay remembers.
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
  /// For a person to choose by.
  fileprivate func description(of revision: String) -> String { "overlay \(name) on \(revision)" }
}
