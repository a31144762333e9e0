/// A stretch of a volume, and what became of it since another revision.
package struct ChangeExtent: Equatable, Sendable {
  package enum Change: Equatable, Sendable {
    /// As it was.
    case none
    /// Content that was not there.
    case data
    /// It reads as zeros now.
    case zeros
  }

  /// Where it begins, in bytes.
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
  /// What changed in the bytes `range` since `old`, the map of another revision of the volume, to the
  /// chunk and from the maps alone: extents in order without gaps, neighbours of different kinds, cut at
  /// the ends of `range`. What lies beyond the end of `old` is new, zeros included: whoever holds the
  /// old content and takes over all that changed has the new one, whatever followed the old.
  ///
  /// They cover the whole range or a beginning of it: at most `limit` extents (at least 1) are given,
  /// and the answer ends once the leaves at `leafLimit` places (at least 1) have been compared. What is
  /// the same in both maps costs nothing.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` for a range that leaves the volume and for maps of
  ///   different chunk sizes, `.corrupt` or `.unreadableNode`.
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

/// Extents as they are joined up.
private struct ChangeList {
  /// Behind the last extent.
  var position: UInt64
  let oldSizeBytes: UInt64
  let limit: Int
  var extents: [ChangeExtent] = []

  /// Adds what the maps have in common; false when no extent fits any more. Beyond the end of the old
  /// volume that is what is a hole now.
  mutating func appendSame(upTo end: UInt64) -> Bool {
    append(upTo: min(end, oldSizeBytes), .none) && append(upTo: end, .zeros)
  }

  /// Adds everything up to `end`; false when no extent fits any more.
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
