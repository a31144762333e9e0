import ChunkFormat

/// How far reads of a pack are joined.
package struct StretchLimits: Sendable {
  /// Longest read that joins several records, in bytes.
  package var lengthBytes = 1 << 20
  /// Most bytes between two records that are read to save a read.
  package var gapBytes: UInt64 = 64 << 10

  package init() {}
}

/// Records of one pack that lie close enough together to be read in one go.
struct PackStretch<Item: Sendable>: Sendable {
  struct Record: Sendable {
    let location: PackedRecord
    let item: Item
  }

  private(set) var range: Range<UInt64>
  /// At least one, in the order of the pack.
  private(set) var records: [Record]

  private var pack: any PackReading { records[0].location.pack }

  var lengthBytes: Int { range.count }

  /// The fewest stretches that hold `records` within `limits`; a record that is longer has one of its own.
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

  /// Reads the stretch into `buffer`, which is as long.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    try pack.read(into: buffer, at: range.lowerBound)
  }

  /// The bytes of one of its records, where `bytes` are those of the stretch.
  func bytes(of record: Record, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let place = record.location.entry.rangeInPack
    let start = Int(place.lowerBound - range.lowerBound)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + place.count])
  }
}
