/// A range of a volume, and its change since another revision.
package struct ChangeExtent: Equatable, Sendable {
  package enum Change: Equatable, Sendable {
    /// Unchanged.
    case none
    /// New content.
    case data
    /// Reads as zeros now.
    case zeros
  }

  /// Start, in bytes.
  package let offsetBytes: UInt64
  /// Length in bytes, never 0.
  package var lengthBytes: UInt64
  package let change: Change

  package init(offsetBytes: UInt64, lengthBytes: UInt64, change: Change) {
    self.offsetBytes = offsetBytes
    self.lengthBytes = lengthBytes
    self.change = change
  }
}

extension MapRoot {
  /// The changes in the bytes `range` since `old`, the map of another revision of the volume.
  /// Compares only the maps, in whole chunks. The extents are in order and without gaps, neighbours
  /// differ in kind, and the first and the last are cut at the ends of `range`. Everything beyond
  /// the end of `old` counts as new, zeros included. So a client that has the old content and
  /// copies all changes gets the new content, even if it had other bytes after the end of the old
  /// content.
  ///
  /// The extents cover the whole range or only its beginning: at most `limit` extents (at least 1)
  /// are returned, and the comparison stops once the leaves at `leafLimit` positions (at least 1)
  /// have been compared. Parts that are the same in both maps are not read.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` for a range that is not within the volume and
  ///   for maps of different chunk sizes, `.corrupt` or `.unreadableNode`.
  package func changes(
    since old: MapRoot, in range: Range<UInt64>, limit: Int, leafLimit: Int = 256,
    reading nodes: any NodeReading
  ) throws(MapError) -> [ChangeExtent] {
    try check(range)
    var difference = try MapDifference(
      from: old, to: self, within: geometry.chunks(holding: range), leafLimit: leafLimit,
      reading: nodes)
    var list = ChangeList(
      position: range.lowerBound, oldSizeBytes: old.geometry.sizeBytes, limit: max(limit, 1))
    while let run = try difference.next() {
      let bytes = geometry.bytes(ofChunks: run.chunks).clamped(to: range)
      let change: ChangeExtent.Change = run.kind == .becameHole ? .zeros : .data
      guard list.appendSame(upTo: bytes.lowerBound), list.append(upTo: bytes.upperBound, change)
      else { return list.extents }
    }
    let compared = geometry.bytes(ofChunks: difference.compared).clamped(to: range)
    _ = list.appendSame(upTo: compared.upperBound)
    return list.extents
  }
}

/// Collects extents in order, and joins neighbours of the same kind.
private struct ChangeList {
  /// End of the last extent.
  var position: UInt64
  let oldSizeBytes: UInt64
  let limit: Int
  var extents: [ChangeExtent] = []

  /// Adds everything up to `end` as the same in both maps; false if that needs more extents than
  /// the limit allows. Beyond the end of the old volume, "the same" means a hole in the new map:
  /// the change is then `.zeros`.
  mutating func appendSame(upTo end: UInt64) -> Bool {
    append(upTo: min(end, oldSizeBytes), .none) && append(upTo: end, .zeros)
  }

  /// Adds everything up to `end`; false if that needs more extents than the limit allows.
  mutating func append(upTo end: UInt64, _ change: ChangeExtent.Change) -> Bool {
    guard position < end else { return true }
    if extents.last?.change == change {
      extents[extents.count - 1].lengthBytes += end - position
    } else {
      guard extents.count < limit else { return false }
      extents.append(
        ChangeExtent(offsetBytes: position, lengthBytes: end - position, change: change))
    }
    position = end
    return true
  }
}
