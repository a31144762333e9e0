package import ChunkFormat
package import ChunkStore
import VolumeMap
import VolumeReader

/// A range in which two volumes differ.
package struct ChangedExtent: Equatable, Sendable {
  package let offsetBytes: UInt64
  package let lengthBytes: UInt64
  /// Whether the range is a hole in the newer volume.
  package let isHole: Bool
}

extension Repository {
  /// Calls `body` for the ranges in which `new` differs from `old`, in order and rounded to chunks.
  /// Adjacent ranges of the same kind are merged. The part of the larger volume beyond the end of
  /// the smaller one counts as different, except for holes.
  ///
  /// - Throws: ``MapError`` if a map cannot be read, and errors of `body`.
  package func forEachDifference(
    from old: RevisionVolume, to new: RevisionVolume, _ body: (ChangedExtent) throws -> Void
  ) throws {
    let (oldMap, newMap) = (try map(of: old), try map(of: new))
    let nodes = NodeCache(reading: self.nodeReader)
    var difference = try MapDifference(from: oldMap, to: newMap, reading: nodes)
    let larger = newMap.geometry.sizeBytes >= oldMap.geometry.sizeBytes ? newMap : oldMap
    var pending: ChangedExtent?
    while let run = try difference.next() {
      let bytes = larger.geometry.bytes(ofChunks: run.chunks)
      let isHole = run.kind == .becameHole
      if let last = pending, last.isHole == isHole,
        last.offsetBytes + last.lengthBytes == bytes.lowerBound
      {
        pending = ChangedExtent(
          offsetBytes: last.offsetBytes, lengthBytes: last.lengthBytes + UInt64(bytes.count),
          isHole: isHole)
      } else {
        if let pending { try body(pending) }
        pending = ChangedExtent(
          offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count), isHole: isHole)
      }
    }
    if let pending { try body(pending) }
  }
}
