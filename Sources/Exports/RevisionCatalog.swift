package import CalendarTime
import ChunkFormat
package import ChunkStore
package import NBDServer
import Synchronization
import VolumeMap
package import VolumeReader
package import Workers

/// Exports every volume of every revision. Each call reads the repository again, so a revision that
/// is committed while the server runs is available at once.
///
/// An export can be opened by every name that stands for its volume on the command line. The list
/// shows `JOB@ID[/VOLUME]` with the first digits of the id, and with the volume only if there are
/// several.
///
/// References restrict the catalogue. They are resolved each time a client asks. A name is resolved
/// in the whole repository, and is refused if its export is not among the references.
package final class RevisionCatalog: ExportCatalog {
  /// The digits of an id in the list. A collision among 1,000 million revisions is unlikely.
  static let listedDigits = 16

  /// A volume of a revision.
  fileprivate struct Export {
    let entry: RevisionEntry
    let volume: RevisionVolume
  }

  private let repository: Repository
  /// The references to export. Empty: everything is exported.
  private let references: [RevisionReference]
  private let context: WorkContext
  private let zone: TimeZone
  private let fetcher: ChunkFetcher
  private let nodes: NodeCache
  /// The canonical names of exports that were opened, or returned as the default. They stay
  /// exported, so that a client that keeps an id can open it again after `latest` has moved on.
  private let given = Mutex<Set<String>>([])

  /// Creates a catalogue of the repository's revisions.
  ///
  /// - Parameters:
  ///   - references: the revisions and volumes to export. A reference without a volume means all
  ///     volumes. No references: everything.
  ///   - limits: the limits of the cache and the threads that all exports share.
  ///   - zone: the time zone for names and descriptions.
  /// - Throws: `WorkersError` if the system refuses to create threads.
  package init(
    repository: Repository, references: [RevisionReference] = [],
    context: WorkContext,
    limits: ChunkFetcher.Limits = .init(), zone: TimeZone = .system
  ) throws(WorkersError) {
    self.repository = repository
    self.references = references
    self.context = context
    self.zone = zone
    let records = StoreRecords(repository.records)
    fetcher = try ChunkFetcher(
      source: records, chunkSizeBytes: repository.configuration.chunkSizeBytes, limits: limits)
    nodes = NodeCache(reading: MapNodeReader(source: records))
  }

  /// Checks that every reference can be resolved now, so that a typing mistake is found when the
  /// server starts.
  ///
  /// - Throws: `ReferenceError`, which names the existing alternatives; `StoreError`.
  package func checkReferences() throws {
    let listing = try repository.revisions()
    for reference in references {
      do throws(ReferenceError) {
        _ = try exports(of: reference, in: listing.entries)
      } catch {
        throw listing.explaining(error, of: reference.firstWord)
      }
    }
  }

  /// Returns the unique name of the export that the empty name stands for now. Nil if there is no
  /// such export.
  package func defaultExportName() throws -> String? {
    do {
      let export = try defaultExport()
      given.withLock { _ = $0.insert(self.name(of: export)) }
      return name(of: export, digits: Self.listedDigits)
    } catch is NoSuchExport {
      return nil
    }
  }

  /// The statistics of the chunks that all exports share.
  package var statistics: ChunkFetcher.Statistics { fetcher.statistics }

  package func list() throws -> [ExportListing] {
    try exports(in: repository.revisions().entries).reversed().map(listing)
  }

  /// Returns the volumes of one revision as exports.
  func listings(of entry: RevisionEntry) -> [ExportListing] {
    entry.revision.volumes.map { listing(of: Export(entry: entry, volume: $0)) }
  }

  private func listing(of export: Export) -> ExportListing {
    ExportListing(
      name: name(of: export, digits: Self.listedDigits), description: description(of: export))
  }

  package func open(_ name: String) throws -> OpenedExport? {
    let export = try export(called: name)
    if !references.isEmpty { given.withLock { _ = $0.insert(self.name(of: export)) } }
    return try open(export.volume, of: export.entry)
  }

  package func reopen(_ name: String, as canonicalName: String) throws -> OpenedExport? {
    let export: Export
    do {
      let reference = try RevisionReference(canonicalName)
      // The job may have been renamed since then, even several times.
      let entry =
        try reference.wholeID.map(repository.revision)
        ?? revision(reference, in: repository.revisions().entries)
      export = Export(entry: entry, volume: try reference.volume(of: entry.revision))
    } catch let error as ReferenceError {
      throw NoSuchExport(
        "'\(name)' was \(canonicalName) for this client, but that revision no longer exists "
          + "(\(error.description)); name another revision by its id")
    }
    var opened = try open(export.volume, of: export.entry)
    if let now = try? self.export(called: name), !now.isSame(as: export) {
      opened.notice =
        "'\(name)' stays \(self.name(of: export, digits: Self.listedDigits)) for this client, which has "
        + "it open; for other clients it is now \(self.name(of: now, digits: Self.listedDigits))"
    }
    return opened
  }

  /// Opens a volume of a revision. The revision stays pinned until the export is closed.
  func open(_ volume: RevisionVolume, of entry: RevisionEntry) throws -> OpenedExport {
    let export = Export(entry: entry, volume: volume)
    // The name for messages. It contains the volume's name even if the revision has only one
    // volume.
    let id = entry.id.description.prefix(Self.listedDigits)
    let name = "\(entry.revision.job)@\(id)/\(volume.name)"
    let reader = VolumeReader(
      name: name, map: try repository.map(of: volume), nodes: nodes, fetcher: fetcher)
    let pins = try RevisionPins(
      entry.id, for: "export of \(name)", in: repository, context: context)
    let history = VolumeHistory(
      repository: repository, zone: zone, context: context, entry: entry, volume: volume)
    return OpenedExport(
      canonicalName: self.name(of: export), description: description(of: export), volume: reader,
      contexts: ChangeContexts(reader: reader, history: history, pins: pins),
      close: { pins.end() })
  }

  // MARK: Resolving names

  /// The revision that a reference stands for now.
  func revision(
    _ reference: RevisionReference, in entries: [RevisionEntry]
  ) throws(ReferenceError) -> RevisionEntry {
    try reference.revision(in: entries, zone: zone, now: context.now())
  }

  private func export(called name: String) throws -> Export {
    name.isEmpty ? try defaultExport() : try export(named: name)
  }

  private func defaultExport() throws -> Export {
    let exports = references.isEmpty ? [] : exports(in: try repository.revisions().entries)
    guard exports.count == 1 else {
      throw NoSuchExport(
        "there is no default export: "
          + (references.isEmpty
            ? "everything is exported" : "\(exports.count) volumes are exported, not one"))
    }
    return exports[0]
  }

  private func export(named name: String) throws -> Export {
    do {
      let reference = try RevisionReference(name)
      // With references, all revisions are needed to check what is exported.
      let entries =
        try references.isEmpty
        ? repository.candidates(for: reference) : repository.revisions().entries
      let entry = try revision(reference, in: entries)
      let export = Export(entry: entry, volume: try reference.volume(of: entry.revision))
      guard
        references.isEmpty || given.withLock({ $0.contains(self.name(of: export)) })
          || exports(in: entries).contains(where: { $0.isSame(as: export) })
      else {
        throw NoSuchExport(
          "\(name) is \(self.name(of: export, digits: Self.listedDigits)), which is not exported")
      }
      return export
    } catch let error as ReferenceError {
      throw NoSuchExport(error.description)
    }
  }

  /// Returns the exported volumes of `entries`, oldest first. Ignores references that cannot be
  /// resolved now.
  private func exports(in entries: [RevisionEntry]) -> [Export] {
    guard !references.isEmpty else {
      return entries.flatMap { entry in
        entry.revision.volumes.map { Export(entry: entry, volume: $0) }
      }
    }
    var exported: [RevisionID: Set<String>] = [:]
    for export in references.flatMap({ (try? exports(of: $0, in: entries)) ?? [] }) {
      exported[export.entry.id, default: []].insert(export.volume.name)
    }
    return entries.flatMap { entry in
      entry.revision.volumes.filter { exported[entry.id]?.contains($0.name) ?? false }
        .map { Export(entry: entry, volume: $0) }
    }
  }

  private func exports(
    of reference: RevisionReference, in entries: [RevisionEntry]
  ) throws(ReferenceError) -> [Export] {
    let covered = try reference.revisions(in: entries, zone: zone, now: context.now())
    guard reference.volume != nil else {
      return covered.flatMap { entry in
        entry.revision.volumes.map { Export(entry: entry, volume: $0) }
      }
    }
    // Older revisions of a job may lack some of its volumes.
    if let newest = covered.last { _ = try reference.volume(of: newest.revision) }
    return covered.compactMap { entry in
      entry.revision.volume(named: reference.volume).map { Export(entry: entry, volume: $0) }
    }
  }

  // MARK: Names and descriptions

  private func name(
    of export: Export, digits: Int = ContentID.lengthBytes * 2
  ) -> String {
    let (entry, volume) = (export.entry, export.volume)
    let revision = "\(entry.revision.job)@\(entry.id.description.prefix(digits))"
    return entry.revision.volumes.count == 1 ? revision : "\(revision)/\(volume.name)"
  }

  private func description(of export: Export) -> String {
    let (entry, volume) = (export.entry, export.volume)
    var parts = [zone.text(of: entry.revision.created), "\(volume.sizeBytes) bytes"]
    if !entry.marks.tags.isEmpty {
      parts.append("tags \(entry.marks.tags.joined(separator: " "))")
    }
    if entry.marks.trust != .trusted {
      parts.append(entry.marks.trust.description)
    }
    return parts.joined(separator: ", ")
  }
}

extension RevisionCatalog.Export {
  fileprivate func isSame(as other: Self) -> Bool {
    entry.id == other.entry.id && volume.name == other.volume.name
  }
}
