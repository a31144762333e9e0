import NBDServer
import VolumeMap
import VolumeReader

/// A volume of a revision as a block device. The revision, and those it is compared with, are pinned while
/// the device is open.
final class RevisionDevice: BlockDevice {
  private let reader: VolumeReader
  private let history: VolumeHistory
  private let pins: RevisionPins

  /// - Parameter pins: keep the volume's own revision.
  init(reader: VolumeReader, history: VolumeHistory, pins: RevisionPins) {
    self.reader = reader
    self.history = history
    self.pins = pins
  }

  var sizeBytes: UInt64 { reader.sizeBytes }

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    reader.cachedContent(of: range)
  }

  func content(of range: Range<UInt64>) throws -> [VolumePiece] {
    try reader.content(of: range)
  }

  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent] {
    try reader.allocation(of: range, limit: limit)
  }

  /// A query that stands for no other revision of the volume is left out.
  func contexts(matching queries: [String]) throws -> [ExportContext] {
    var contexts: [ExportContext] = []
    for query in queries {
      switch ChangeQuery(query) {
      case .all:
        // Only to be listed, so that nothing need be kept.
        for (id, map) in try history.newestOthers() {
          contexts.append(context(ChangeQuery.name(since: id), since: map))
        }
      case .since(let selector):
        guard let (id, map) = try history.revision(selector) else { continue }
        try pins.add(id)
        contexts.append(context(query, since: map))
      case nil: continue
      }
    }
    return contexts.reduce(into: []) { unique, context in
      if !unique.contains(where: { $0.name == context.name }) { unique.append(context) }
    }
  }

  private func context(_ name: String, since map: MapRoot) -> ExportContext {
    ExportContext(name: name, source: ChangeContext(reader: reader, old: map))
  }

  func close() { pins.end() }
}
