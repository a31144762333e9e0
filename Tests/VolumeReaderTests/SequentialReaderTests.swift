import ChunkFormat
import TestSupport
import Testing
import VolumeMap
import VolumeReader
import Workers

@Suite(.timeLimit(.minutes(2))) struct SequentialReaderTests {
  private static let chunk = SampleVolume.chunkSizeBytes

  /// The result of a run, reassembled.
  private struct Copy {
    var bytes: [UInt8] = []
    var damages: [VolumeReadError] = []
    var ids: [ContentID] = []
    var pieces = 0

    /// Compares without printing megabytes if the comparison fails.
    func holds(_ expected: [UInt8]) -> Bool { bytes == expected }

    mutating func add(_ content: SequentialContent, at start: UInt64) throws {
      pieces += 1
      let range: Range<UInt64>
      switch content {
      case .hole(let bytes):
        range = bytes
        self.bytes += Array(repeating: 0, count: bytes.count)
      case .data(let bytes, let content, let chunks):
        range = bytes
        #expect(content.count == bytes.count)
        self.bytes += Array(content)
        ids += chunks
      case .damaged(let error):
        range = error.range
        damages.append(error)
        bytes += Array(repeating: 0xEE, count: error.range.count)
      }
      #expect(range.upperBound == start + UInt64(bytes.count), "a gap or an overlap")
      #expect(!range.isEmpty)
    }
  }

  private func read(
    _ reader: SequentialReader, _ range: Range<UInt64>? = nil
  ) throws -> Copy {
    var copy = Copy()
    try reader.read(range) { try copy.add($0, at: range?.lowerBound ?? 0) }
    return copy
  }

  private func sample(isEncrypted: Bool = false, seed: UInt64 = 7) throws -> SampleVolume {
    var random = SeededRandom(seed: seed)
    return try SampleVolume(
      SampleVolume.content(
        sizeBytes: 90 * Self.chunk + 100, holes: 0..<2, 20..<22, 30..<60, random: &random),
      in: PackLibrary(isEncrypted: isEncrypted))
  }

  @Test("a volume is read as it was stored", arguments: [false, true])
  func whole(isEncrypted: Bool) throws {
    let volume = try sample(isEncrypted: isEncrypted)
    for night in 1...4 as ClosedRange<UInt8> {
      try volume.change([2, 9, 10, 11, 70, 89].dropFirst(Int(night) - 1), to: night)
    }
    volume.library.forgetReads()
    let copy = try read(volume.sequentialReader())
    #expect(copy.holds(volume.bytes))
    #expect(copy.ids == volume.ids.filter { !$0.isHole })
    #expect(copy.damages.isEmpty)
    #expect(volume.library.thoroughReads.count <= 2, "map nodes only")
  }

  @Test("any range can be read") func ranges() throws {
    var random = SeededRandom()
    let volume = try sample()
    let reader = volume.sequentialReader()
    for _ in 0..<20 {
      let start = UInt64.random(in: 0..<UInt64(volume.bytes.count), using: &random)
      let range = start..<UInt64.random(in: start...UInt64(volume.bytes.count), using: &random)
      try #require(read(reader, range).holds(volume.bytes(at: range)), "\(range), \(random)")
    }
    #expect(throws: VolumeReadError.self) {
      try reader.read(0..<UInt64(volume.bytes.count + 1)) { _ in }
    }
  }

  @Test("volumes without content can be read", arguments: [0, 1, 65_536, 1_000_000])
  func empty(sizeBytes: Int) throws {
    let volume = try SampleVolume(Array(repeating: 0, count: sizeBytes), in: PackLibrary())
    let copy = try read(volume.sequentialReader())
    #expect(copy.holds(volume.bytes))
    #expect(copy.pieces == (sizeBytes == 0 ? 0 : 1))
    #expect(volume.library.reads.isEmpty)
  }

  @Test("after many backups, the first packs are still read only about once") func deltas()
    throws
  {
    let volume = try sample()
    volume.library.forgetReads()
    _ = try read(volume.sequentialReader())
    let first = volume.library.reads.reduce(0) { $0 + $1.range.count }
    for night in 1...10 as ClosedRange<UInt8> {
      try volume.change(stride(from: 60 + Int(night) % 3, to: 90, by: 3), to: night)
    }
    volume.library.forgetReads()
    #expect(try read(volume.sequentialReader()).holds(volume.bytes))
    let last = volume.library.reads.reduce(0) { $0 + $1.range.count }
    #expect(last < first * 11 / 10, "\(first) bytes at first, \(last) after ten nights")
  }

  @Test("unreadable parts are reported as damaged, and nothing else is lost") func damage() throws {
    let volume = try sample()
    let chunks = [3, 4, 15, 90]
    for chunk in chunks { try volume.library.damage(volume.ids[chunk]) }
    let copy = try read(volume.sequentialReader())
    #expect(copy.damages.map(\.range) == chunks.map { volume.range(ofChunk: $0) })
    #expect(copy.damages.allSatisfy { $0.code == .damaged })
    var expected = volume.bytes
    for range in copy.damages.map(\.range) {
      expected.replaceSubrange(
        Int(range.lowerBound)..<Int(range.upperBound),
        with: Array(repeating: 0xEE, count: range.count))
    }
    #expect(copy.holds(expected))
  }

  @Test("a bad leaf loses its part of the volume; the error has the range") func badLeaf() throws {
    var random = SeededRandom(seed: 11)
    let part = SampleVolume.content(sizeBytes: 2 * Self.chunk, random: &random)
    var bytes = [UInt8](repeating: 0, count: 600 * Self.chunk)
    for chunk in [10, 300, 590] {
      bytes.replaceSubrange(chunk * Self.chunk..<(chunk + 2) * Self.chunk, with: part)
    }
    let volume = try SampleVolume(bytes, in: PackLibrary())
    let root = try MapNodeReader(source: volume.library).readNode(volume.map.id)
    try volume.library.damage(root.children[1])
    let copy = try read(volume.sequentialReader())
    #expect(copy.damages.map(\.range) == [256 * UInt64(Self.chunk)..<512 * UInt64(Self.chunk)])
    bytes.replaceSubrange(
      256 * Self.chunk..<512 * Self.chunk, with: Array(repeating: 0xEE, count: 256 * Self.chunk))
    #expect(copy.holds(bytes))
  }

  @Test("a slow consumer slows down the reading") func bounded() throws {
    var random = SeededRandom(seed: 13)
    let volume = try SampleVolume(
      SampleVolume.content(sizeBytes: 600 * Self.chunk, random: &random), in: PackLibrary())
    var limits = SequentialReader.Limits()
    limits.windowBytes = 32 * Self.chunk
    limits.batchBytes = 8 * Self.chunk
    limits.workerCount = 2
    let reader = SequentialReader(
      name: "vda", map: volume.map, nodes: MapNodeReader(source: volume.library),
      source: volume.library, limits: limits)
    volume.library.forgetReads()
    let storedBytes = try volume.ids.reduce(0) {
      try $0 + volume.library.location(of: $1).entry.rangeInPack.count
    }
    var (seenBytes, mostAhead) = (0, 0)
    try reader.read { content in
      WorkerThread.nap()
      let readBytes = volume.library.reads.reduce(0) { $0 + $1.range.count }
      mostAhead = max(mostAhead, readBytes - seenBytes * storedBytes / volume.bytes.count)
      if case .data(let range, _, _) = content { seenBytes += range.count }
    }
    #expect(seenBytes == volume.bytes.count)
    #expect(mostAhead < storedBytes * 48 / 600, "a window of 32 chunks, and what is in work")
  }

  @Test("an error of the consumer or a cancellation ends the run") func endings() throws {
    struct Enough: Error {}
    let volume = try sample()
    let reader = volume.sequentialReader()
    #expect(throws: Enough.self) { try reader.read { _ in throw Enough() } }
    let flag = CancellationFlag()
    var pieces = 0
    #expect(throws: WorkersError.cancelled) {
      try reader.read(cancellation: flag) { _ in
        pieces += 1
        flag.cancel()
      }
    }
    #expect(pieces == 1)
  }
}
