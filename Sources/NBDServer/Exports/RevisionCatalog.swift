import ChunkFormat
package import ChunkStore
import VolumeMap
package import VolumeReader
package import Workers

/// Every volume of every revision as an export. The repository is looked at anew at each call, so a
/// revision that is finished while the server runs is there at once.
///
/// An export has any name that stands for its volume on the command line; the listing gives
/// `JOB@ID[/VOLUME]` with the first digits of the id, the volume only where there are several.
package final class RevisionCatalog: ExportCatalog {
  /// Digits of an id in the listing; a clash among a thousand million revisions is unlikely.
  static let listedDigits = 16

  private let repository: Repository
  private let environment: RepositoryEnvironment
  private let zone: LocalTime
  private let fetcher: ChunkFetcher
  private let nodes: NodeCache

  /// - Parameters:
  ///   - limits: of the cache and the threads that all exports share.
  ///   - zone: of times in names and descriptions.
  /// - Throws: ``WorkersError`` where the system refuses threads.
  package init(
    repository: Repository, environment: RepositoryEnvironment,
    limits: ChunkFetcher.Limits = .init(), zone: LocalTime = .system
  ) throws(WorkersError) {
    self.repository = repository
    self.environment = environment
    self.zone = zone
    let records = StoreRecords(repository.records)
    fetcher = try ChunkFetcher(
      source: records, chunkSizeBytes: repository.configuration.chunkSizeBytes, limits: limits)
    nodes = NodeCache(reading: MapNodeReader(source: records))
  }

  package func list() throws -> [ExportListing] {
    try repository.revisions().entries.reversed().flatMap { entry in
      entry.revision.volumes.map { volume in
        ExportListing(
          name: name(of: volume, in: entry, digits: Self.listedDigits),
          description: description(of: volume, in: entry))
      }
    }
  }

  package func open(_ name: String) throws -> OpenedExport? {
    guard let reference = try? RevisionReference(name) else { return nil }
    let entries = try repository.candidates(for: reference)
    let entry: RevisionEntry
    let volume: RevisionVolume
    do throws(ReferenceError) {
      entry = try reference.revision(in: entries, zone: zone)
      volume = try reference.volume(of: entry.revision)
    } catch {
      return nil
    }
    return OpenedExport(
      canonicalName: self.name(of: volume, in: entry, digits: ContentID.lengthBytes * 2),
      description: description(of: volume, in: entry), device: try device(volume, of: entry))
  }

  private func device(
    _ volume: RevisionVolume, of entry: RevisionEntry
  ) throws -> RevisionDevice {
    // For messages: with the volume's name even where it is the only one.
    let id = entry.id.description.prefix(Self.listedDigits)
    let name = "\(entry.revision.job)@\(id)/\(volume.name)"
    return RevisionDevice(
      reader: VolumeReader(
        name: name, map: try repository.map(of: volume), nodes: nodes, fetcher: fetcher),
      history: VolumeHistory(repository: repository, zone: zone, entry: entry, volume: volume),
      pins: try RevisionPins(
        entry.id, for: "export of \(name)", in: repository, environment: environment))
  }

  private func name(
    of volume: RevisionVolume, in entry: RevisionEntry, digits: Int
  ) -> String {
    let revision = "\(entry.revision.job)@\(entry.id.description.prefix(digits))"
    return entry.revision.volumes.count == 1 ? revision : "\(revision)/\(volume.name)"
  }

  private func description(of volume: RevisionVolume, in entry: RevisionEntry) -> String {
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
