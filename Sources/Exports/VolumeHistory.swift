import CalendarTime
import ChunkFormat
import ChunkStore
import NBDProtocol
import VolumeMap
import VolumeReader
import Workers

/// The other revisions of an exported volume. Each call reads the repository again.
struct VolumeHistory: Sendable {
  let repository: Repository
  let zone: TimeZone
  let context: WorkContext
  /// The exported revision.
  let entry: RevisionEntry
  let volume: RevisionVolume

  /// Returns the revision of the job that `selector` stands for, and the map of the volume in it.
  /// Nil if there is no such revision, or if it does not have the volume. Blocks.
  func revision(_ selector: String) throws -> (id: RevisionID, map: MapRoot)? {
    guard let reference = try? RevisionReference("\(entry.revision.job)@\(selector)"),
      reference.volume == nil
    else { return nil }
    let candidates = try repository.candidates(for: reference)
    let found = try? reference.revision(in: candidates, zone: zone, now: context.now())
    guard let found, let counterpart = counterpart(in: found.revision)
    else { return nil }
    return (found.id, try repository.map(of: counterpart))
  }

  /// Returns the newest other revisions that have the volume, up to the limit of a list, as the
  /// first digits of their ids and the maps of the volume. Blocks.
  func newestOthers() throws -> [(id: String, map: MapRoot)] {
    var others: [(id: String, map: MapRoot)] = []
    for other in try repository.revisions().entries.reversed()
    where other.revision.job == entry.revision.job && other.id != entry.id {
      guard others.count < MetaContext.listLimit else { break }
      guard let counterpart = counterpart(in: other.revision) else { continue }
      let id = other.id.description.prefix(RevisionCatalog.listedDigits)
      others.append((String(id), try repository.map(of: counterpart)))
    }
    return others
  }

  /// Returns the volume in another revision: the volume with the same name. Without one, and if the
  /// exported revision has a single volume, the single volume of the other revision.
  private func counterpart(in revision: Revision) -> RevisionVolume? {
    if let found = revision.volume(named: volume.name) { return found }
    return entry.revision.volumes.count == 1 ? revision.volume(named: nil) : nil
  }
}
