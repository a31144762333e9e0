import ChunkFormat
import TestSupport
import Testing
import VolumeMap
import VolumeReader
import Workers

/// Damage and loss. A reader returns the right content from another copy, or an error with the
/// location, and never zeros.
@Suite(.timeLimit(.minutes(2))) struct ReadFailureTests {
  private static let chunk = SampleVolume.chunkSizeBytes

  private func sample() throws -> SampleVolume {
    var random = SeededRandom(seed: 5)
    return try SampleVolume(
      SampleVolume.content(sizeBytes: 40 * Self.chunk, random: &random), in: PackLibrary())
  }

  private func failure(
    of reader: VolumeReader, _ range: Range<UInt64>
  ) -> VolumeReadError? {
    do throws(VolumeReadError) {
      _ = try reader.content(of: range)
      return nil
    } catch {
      return error
    }
  }

  @Test("a damaged record is an error that names volume, offset and chunk; its neighbours are fine")
  func damage() throws {
    let volume = try sample()
    try volume.library.damage(volume.ids[7])
    let reader = try volume.reader()
    let error = failure(of: reader, 0..<UInt64(16 * Self.chunk))
    #expect(error?.code == .damaged)
    #expect(error?.volume == "web01/vda")
    #expect(error?.range == volume.range(ofChunk: 7))
    #expect(error?.description.contains("offset \(7 * Self.chunk)") == true)
    for chunk in [0, 6, 8, 15] {
      let range = volume.range(ofChunk: chunk)
      #expect(volume.holds(reader.cachedContent(of: range), at: range))
    }
    #expect(reader.cachedContent(of: volume.range(ofChunk: 7)) == nil)
  }

  @Test("a delta fails with its base, or uses another copy of the base") func damagedBase()
    throws
  {
    let volume = try sample()
    let base = volume.ids[7]
    try volume.change([7], to: 1)
    try volume.library.damage(base)
    #expect(failure(of: try volume.reader(), volume.range(ofChunk: 7))?.code == .damaged)

    let other = try SampleVolume(volume.bytes, in: volume.library, chunksPerPack: 3)
    #expect(other.ids == volume.ids)
    let range = volume.range(ofChunk: 7)
    #expect(try volume.holds(volume.reader().content(of: range), at: range))
  }

  @Test("reads fail only while a pack is missing") func lostPack() throws {
    let volume = try sample()
    let reader = try volume.reader()
    let range = volume.range(ofChunk: 20)
    let pack = try volume.library.location(of: volume.ids[20]).pack.id
    let bytes = volume.library.replace(pack, with: nil)
    #expect(failure(of: reader, range)?.code == .unreadable)
    _ = volume.library.replace(pack, with: bytes)
    #expect(try volume.holds(reader.content(of: range), at: range), "a failure was kept")
  }

  @Test("a truncated pack loses only the truncated part") func shortPack() throws {
    let volume = try sample()
    let location = try volume.library.location(of: volume.ids[10])
    let bytes = volume.library.replace(location.pack.id, with: nil)
    _ = volume.library.replace(
      location.pack.id, with: Array(bytes!.prefix(Int(location.entry.rangeInPack.lowerBound) + 9)))
    let reader = try volume.reader()
    #expect(failure(of: reader, 0..<UInt64(16 * Self.chunk))?.range == volume.range(ofChunk: 10))
    let intact = 0..<UInt64(10 * Self.chunk)
    #expect(try volume.holds(reader.content(of: intact), at: intact))
  }

  @Test("all readers that wait for a chunk get its failure") func sharedFailure() throws {
    let volume = try sample()
    let reader = try volume.reader()
    _ = try reader.content(of: 0..<1)
    try volume.library.damage(volume.ids[20])
    volume.library.gate.close()
    let range = volume.range(ofChunk: 20)
    let threads = try (0..<6).map { index in
      try WorkerThread(name: "want-\(index)") {
        #expect(throws: VolumeReadError.self) { try reader.content(of: range) }
      }
    }
    volume.library.gate.waitForArrival(of: 1)
    volume.library.gate.open()
    for thread in threads { thread.join() }
  }

  @Test("a record that no pack has is an error") func missingRecord() throws {
    let volume = try sample()
    volume.library.forget(volume.ids[3])
    let error = failure(of: try volume.reader(), volume.range(ofChunk: 3))
    #expect(error?.range == volume.range(ofChunk: 3))
  }

  @Test("a chunk with a wrong length is damage") func wrongLength() throws {
    let volume = try sample()
    let longer = try MapRoot(
      id: volume.map.id,
      geometry: MapGeometry(
        sizeBytes: volume.map.geometry.sizeBytes - 5, chunkSizeBytes: Self.chunk))
    let reader = VolumeReader(
      name: "web01/vda", map: longer,
      nodes: NodeCache(reading: MapNodeReader(source: volume.library)),
      fetcher: try volume.fetcher())
    let last = UInt64(39 * Self.chunk)..<reader.sizeBytes
    #expect(failure(of: reader, last)?.code == .damaged)
    #expect(reader.cachedContent(of: last) == nil, "although the chunk is at hand")
  }

  @Test("a bad map node is an error for all chunks under it") func badNode() throws {
    let volume = try sample()
    try volume.library.damage(volume.map.id)
    let error = failure(of: try volume.reader(), 10..<20)
    #expect(error?.code == .damaged)
    #expect(error?.range == 0..<UInt64(40 * Self.chunk))
  }

  @Test("records that are deltas of each other cause an error, not a hang") func circle()
    throws
  {
    let volume = try sample()
    let (first, second) = (
      volume.bytes(at: volume.range(ofChunk: 0)), volume.bytes(at: volume.range(ofChunk: 1))
    )
    let ids = volume.ids
    for id in ids.prefix(2) { volume.library.forget(id) }
    let compressor = try Compressor(method: .standard)
    try first.withUnsafeBytes { first in
      try second.withUnsafeBytes { second in
        let deltas = try [
          PreparedRecord(
            deltaOf: first, id: ids[0], type: .chunk, base: ids[1], baseContent: second,
            compressor: compressor),
          PreparedRecord(
            deltaOf: second, id: ids[1], type: .chunk, base: ids[0], baseContent: first,
            compressor: compressor),
        ].compactMap(\.self)
        #expect(deltas.count == 2)
        try volume.library.store(deltas)
      }
    }
    let reader = try volume.reader()
    let ranges = [volume.range(ofChunk: 0), volume.range(ofChunk: 1)]
    let threads = try ranges.map { range in
      try WorkerThread(name: "circle") {
        #expect(throws: VolumeReadError.self) { try reader.content(of: range) }
      }
    }
    for thread in threads { thread.join() }
  }
}
