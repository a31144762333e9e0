import ChunkFormat

/// Limits for joining reads of a pack.
package struct StretchLimits: Sendable {
  /// The longest read that joins several records, in bytes.
  package var lengthBytes = 1 << 20
  /// The longest gap between two records that is read along to save a read.
  package var gapBytes: UInt64 = 64 << 10

  package init() {}
}

/// Records of one pack that lie close enough together for a single read.
struct PackStretch<Item: Sendable>: Sendable {
  struct Record: Sendable {
    let location: PackedRecord
    let item: Item
  }

  private(set) var range: Range<UInt64>
  /// At least one record, in the order of the pack.
  private(set) var records: [Record]

  private var pack: any PackReading { records[0].location.pack }

  var lengthBytes: Int { range.count }

  /// Returns as few stretches as possible that contain `records` within `limits`. A longer record
  /// has its own stretch.
  static func plan(_ records: [Record], within limits: StretchLimits) -> [PackStretch] {
    let sorted = records.sorted {
      let (left, right) = ($0.location, $1.location)
      return left.pack === right.pack
        ? left.entry.offsetBytes < right.entry.offsetBytes : left.pack.id < right.pack.id
    }
    var stretches: [PackStretch] = []
    for record in sorted {
      let added = record.location.entry.rangeInPack
      if let last = stretches.indices.last, stretches[last].pack === record.location.pack,
        added.lowerBound <= stretches[last].range.upperBound + limits.gapBytes,
        added.upperBound - stretches[last].range.lowerBound <= UInt64(limits.lengthBytes)
      {
        let end = max(stretches[last].range.upperBound, added.upperBound)
        stretches[last].range = stretches[last].range.lowerBound..<end
        stretches[last].records.append(record)
      } else {
        stretches.append(PackStretch(range: added, records: [record]))
      }
    }
    return stretches
  }

  /// Reads the stretch into `buffer`, which must have the same length.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    try pack.read(into: buffer, at: range.lowerBound)
  }

  /// Returns the bytes of one record from `bytes`, the content of the stretch.
  func bytes(of record: Record, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let place = record.location.entry.rangeInPack
    let start = Int(place.lowerBound - range.lowerBound)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + place.count])
  }
}
