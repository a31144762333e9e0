import ChunkFormat

/// Records of one pack that lie close enough together to be read in one go.
struct PackStretch<Item: Sendable>: Sendable {
  struct Record: Sendable {
    let location: RecordLocation
    let item: Item
  }

  let pack: FileDigest
  private(set) var range: Range<UInt64>
  private(set) var records: [Record]

  var lengthBytes: Int { range.count }

  /// The fewest stretches that hold `records`, by pack and offset: at most `lengthLimitBytes` long unless a
  /// single record is longer, and never reading over more than `gapLimitBytes` that nobody wants.
  static func plan(
    _ records: [Record], lengthLimitBytes: Int, gapLimitBytes: UInt64
  ) -> [PackStretch] {
    let sorted = records.sorted {
      $0.location.pack == $1.location.pack
        ? $0.location.entry.offsetBytes < $1.location.entry.offsetBytes
        : $0.location.pack < $1.location.pack
    }
    var stretches: [PackStretch] = []
    for record in sorted {
      let added = record.location.entry.rangeInPack
      if let last = stretches.indices.last, stretches[last].pack == record.location.pack,
        added.lowerBound <= stretches[last].range.upperBound + gapLimitBytes,
        added.upperBound - stretches[last].range.lowerBound <= UInt64(lengthLimitBytes)
      {
        let end = max(stretches[last].range.upperBound, added.upperBound)
        stretches[last].range = stretches[last].range.lowerBound..<end
        stretches[last].records.append(record)
      } else {
        stretches.append(
          PackStretch(pack: record.location.pack, range: added, records: [record]))
      }
    }
    return stretches
  }

  /// Reads the stretch into the beginning of `buffer`, and hands out every record or why it could not be
  /// read. When the whole cannot be read, the records are tried one by one.
  func read(
    from source: any RecordSource, into buffer: UnsafeMutableRawBufferPointer,
    _ body: (Record, Result<UnsafeRawBufferPointer, RecordFailure>) -> Void
  ) {
    let count: Int
    do {
      count = try source.read(
        pack, at: range.lowerBound,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<lengthBytes]))
    } catch {
      return readSingly(from: source, into: buffer, after: error, body)
    }
    for record in records {
      let place = record.location.entry.rangeInPack
      let start = Int(place.lowerBound - range.lowerBound)
      guard start + place.count <= count else {
        let end = range.lowerBound + UInt64(count)
        body(record, .failure(.damaged(record.location, "the pack ends at \(end), within it")))
        continue
      }
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<start + place.count])
      body(record, .success(bytes))
    }
  }

  private func readSingly(
    from source: any RecordSource, into buffer: UnsafeMutableRawBufferPointer,
    after error: any Error,
    _ body: (Record, Result<UnsafeRawBufferPointer, RecordFailure>) -> Void
  ) {
    guard records.count > 1 else {
      return body(records[0], .failure(.unreadable(records[0].location, error)))
    }
    for record in records {
      PackStretch(pack: pack, range: record.location.entry.rangeInPack, records: [record])
        .read(from: source, into: buffer, body)
    }
  }
}
