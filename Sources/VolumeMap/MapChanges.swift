/// A range of a volume, and how it changed since another revision.
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
  /// Its length in bytes, never 0.
  package var lengthBytes: UInt64
  package let change: Change

  package init(offsetBytes: UInt64, lengthBytes: UInt64, change: Change) {
    self.offsetBytes = offsetBytes
    self.lengthBytes = lengthBytes
    self.change = change
  }
}

extension MapRoot {
  /// What changed in the bytes `range` since `old`, the map of another revision of the volume, in
  /// whole chunks and from the maps alone. The extents are in order and without gaps, neighbours
  /// differ, and the first and the last are cut at the ends of `range`. Everything beyond the end
  /// of `old` counts as new, zeros included: a client that has the old content and copies all
  /// changes then has the new content, whatever it had after the end of the old one.
  ///
  /// They cover the whole range or only its beginning: at most `limit` extents (at least 1) are
  /// returned, and the answer ends once the leaves at `leafLimit` positions (at least 1) have been
  /// compared. Parts that are the same in both maps cost nothing.
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

/// Collects extents in order; adjoining ones of the same kind become one.
private struct ChangeList {
  /// End of the last extent.
  var position: UInt64
  let oldSizeBytes: UInt64
  let limit: Int
  var extents: [ChangeExtent] = []

  /// Adds everything up to `end` as the same in both maps; false if that needs more extents than
  /// the limit allows. Beyond the end of the old volume this is a hole of the new map: zeros.
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
