import CalendarTime
import ChunkFormat
import ChunkStore
import NBDProtocol
import VolumeMap
import VolumeReader

/// The revisions of a volume, of which one is exported. The repository is looked at anew at each call.
struct VolumeHistory: Sendable {
  let repository: Repository
  let zone: TimeZone
  /// The revision that is exported.
  let entry: RevisionEntry
  let volume: RevisionVolume

  /// The revision of the job that `selector` stands for, and the volume's map in it; nil where there is
  /// none, or it has no such volume. Blocks.
  func revision(_ selector: String) throws -> (id: RevisionID, map: MapRoot)? {
    guard let reference = try? RevisionReference("\(entry.revision.job)@\(selector)"),
      reference.volume == nil
    else { return nil }
    let candidates = try repository.candidates(for: reference)
    guard let found = try? reference.revision(in: candidates, zone: zone),
      let counterpart = counterpart(in: found.revision)
    else { return nil }
    return (found.id, try repository.map(of: counterpart))
  }

  /// The newest others that have the volume, as many as a list may have: the first digits of their ids,
  /// and the volume's maps in them. Blocks.
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

  /// The volume in another revision: the one of its name, or the only one where it is the only one here.
  private func counterpart(in revision: Revision) -> RevisionVolume? {
    if let found = revision.volume(named: volume.name) { return found }
    return entry.revision.volumes.count == 1 ? revision.volume(named: nil) : nil
  }
}
