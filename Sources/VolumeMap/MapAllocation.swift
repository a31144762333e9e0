import ChunkFormat

/// A range of a volume that is either completely stored or completely a hole.
package struct AllocationExtent: Equatable, Sendable {
  /// Start, in bytes.
  package let offsetBytes: UInt64
  /// Length in bytes, never 0.
  package var lengthBytes: UInt64
  /// Whether the range reads as zeros because nothing is stored.
  package let isHole: Bool

  package init(offsetBytes: UInt64, lengthBytes: UInt64, isHole: Bool) {
    self.offsetBytes = offsetBytes
    self.lengthBytes = lengthBytes
    self.isHole = isHole
  }
}

extension MapRoot {
  /// The stored ranges and the holes in the bytes `range`. Reads only the map, no chunks. The
  /// extents are in order and without gaps, neighbours differ in kind, and the first and the last
  /// are cut at the ends of `range`.
  ///
  /// The extents cover the whole range or only its beginning: at most `limit` extents (at least 1)
  /// are returned, and the search stops once `leafLimit` leaves (at least 1) have been read. So a
  /// large disk full of data cannot delay the caller for long. A hole costs the same few reads
  /// whatever its size.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` for a range that is not within the volume,
  ///   `.corrupt` or `.unreadableNode`.
  package func allocation(
    of range: Range<UInt64>, limit: Int, leafLimit: Int = 256, reading nodes: any NodeReading
  ) throws(MapError) -> [AllocationExtent] {
    try check(range)
    var extents = ExtentList(range: range, limit: limit)
    var cursor = MapCursor(self, reading: nodes)
    let chunks = geometry.chunks(holding: range)
    var (chunk, leaves) = (chunks.lowerBound, 0)
    while chunk < chunks.upperBound, leaves < max(leafLimit, 1) {
      let span = try cursor.span(containing: chunk)
      let end = min(span.chunks.upperBound, chunks.upperBound)
      guard extents.append(span, chunk..<end, of: geometry) else { break }
      leaves += span.leaf == nil ? 0 : 1
      chunk = end
    }
    return extents.extents
  }
}

/// Collects extents in order, and joins neighbours of the same kind.
private struct ExtentList {
  let range: Range<UInt64>
  let limit: Int
  var extents: [AllocationExtent] = []

  /// Adds the chunks `chunks` of `span`; false if they need more extents than the limit allows.
  mutating func append(
    _ span: MapSpan, _ chunks: Range<ChunkNumber>, of geometry: MapGeometry
  ) -> Bool {
    guard span.leaf != nil else { return append(geometry.bytes(ofChunks: chunks), isHole: true) }
    for chunk in chunks {
      guard append(geometry.bytes(ofChunk: chunk), isHole: span[chunk].isHole) else {
        return false
      }
    }
    return true
  }

  private mutating func append(_ bytes: Range<UInt64>, isHole: Bool) -> Bool {
    let part = bytes.clamped(to: range)
    if let last = extents.indices.last, extents[last].isHole == isHole {
      extents[last].lengthBytes += UInt64(part.count)
      return true
    }
    guard extents.count < max(limit, 1) else { return false }
    extents.append(
      AllocationExtent(
        offsetBytes: part.lowerBound, lengthBytes: UInt64(part.count), isHole: isHole))
    return true
  }
}
