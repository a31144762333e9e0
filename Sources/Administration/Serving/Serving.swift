package import ChunkStore
import Exports
package import NBDServer
package import Overlays
package import VolumeReader
package import Workers

/// Serves revisions to NBD clients: read-only, or with an overlay for what clients write.
package struct ServingRequest: Sendable {
  package enum Writing: Equatable, Sendable {
    case refused
    /// Each connection sees only its own writes, which are gone with it.
    case discarded
    /// All connections share what is written, which is gone with the server.
    case shared
    /// All connections share the overlay of this name, which is there again for the next server.
    case kept(String)
  }

  /// What is served; empty for everything. With an overlay at most one: the revision that it is made on.
  package let revisions: [RevisionReference]
  package var writing = Writing.refused
  /// Whether each volume is padded with zeros to whole sectors.
  package var padsSectors = false
  /// Of the chunks that all connections share.
  package var fetching = ChunkFetcher.Limits()

  package init(_ revisions: [RevisionReference]) { self.revisions = revisions }

  /// Checks what is served; changes nothing yet.
  ///
  /// - Throws: `ReferenceError`, `StoreError`, `WorkersError`.
  package func prepare(on repository: Repository, context: WorkContext) throws -> PreparedServing {
    var references = revisions
    if case .kept = writing { references = [] }
    let catalog = try RevisionCatalog(
      repository: repository, references: references, context: context, limits: fetching)
    try catalog.checkReferences()
    return PreparedServing(repository: repository, request: self, catalog: catalog)
  }
}

/// Revisions that are about to be served.
package struct PreparedServing: Sendable {
  private let repository: Repository
  private let request: ServingRequest
  private let catalog: RevisionCatalog

  fileprivate init(repository: Repository, request: ServingRequest, catalog: RevisionCatalog) {
    (self.repository, self.request, self.catalog) = (repository, request, catalog)
  }

  /// Makes what a server offers, and the overlay where there is none yet.
  ///
  /// - Parameters:
  ///   - overlays: asked for where what is written is kept.
  ///   - temporary: asked for where it is gone with the connection or the server.
  /// - Throws: ``Refusal/serving(_:)``, `ReferenceError`, `OverlayError`, `StoreError`, or a
  ///   ``NoticedFailure`` with one of these.
  package func open(
    overlays: () throws -> OverlayStore, temporary: () throws -> TemporaryOverlays
  ) throws -> OfferedExports {
    try [Notice].collecting { notices in
      var served: ServedOverlay?
      var mode: WritableCatalog.Mode?
      switch request.writing {
      case .refused: break
      case .discarded: mode = .privateOverlays(try temporary())
      case .shared: mode = .sharedOverlays(try temporary())
      case .kept(let name):
        let overlay = try overlays().serve(
          name, for: request.revisions, in: repository, &notices)
        mode = .named(overlay.overlay, volume: request.revisions.first?.volume)
        served = overlay
      }
      return OfferedExports(
        catalog: catalog, writable: mode.map { WritableCatalog(base: catalog, mode: $0) },
        padsSectors: request.padsSectors, overlay: served, notices: notices)
    }
  }
}

/// What a server offers.
package struct OfferedExports: Sendable {
  private let catalog: RevisionCatalog
  private let writable: WritableCatalog?
  package let exports: any ExportCatalog
  /// Where what clients write is kept; nil where it is not.
  package let overlay: ServedOverlay?
  package let notices: [Notice]

  fileprivate init(
    catalog: RevisionCatalog, writable: WritableCatalog?, padsSectors: Bool,
    overlay: ServedOverlay?, notices: [Notice]
  ) {
    (self.catalog, self.writable) = (catalog, writable)
    (self.overlay, self.notices) = (overlay, notices)
    let exports: any ExportCatalog = writable ?? catalog
    self.exports = padsSectors ? PaddedCatalog(exports) : exports
  }

  /// The name that always stands for what the empty name stands for now; nil where that is no export.
  ///
  /// - Throws: `OverlayError`, `StoreError`.
  package func defaultExportName() throws -> String? {
    guard let writable else { return try catalog.defaultExportName() }
    return try writable.defaultExportName()
  }

  /// Of the chunks that all connections share.
  package var statistics: ChunkFetcher.Statistics { catalog.statistics }

  /// Makes durable what was written to an overlay, and lets others open it.
  package func close() throws(OverlayError) { try writable?.close() }
}
