import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct RecordTests {
  @Test(arguments: [nil, Sample.keys]) func everyCodecReadsBack(_ keys: RepositoryKeys?) throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(keys: keys, random: &random)
    #expect(pack.summary.entries.map(\.codec) == [.raw, .zstd, .delta, .raw], "\(random)")
    for index in pack.contents.indices {
      #expect(try pack.read(index) == pack.contents[index], "record \(index), \(random)")
    }
  }

  @Test func largestRecordsFitTheirBounds() throws {
    var random = SeededRandom(seed: 1)
    let content = random.bytes(Int(RecordLimits.maximumPlainBytes))
    let pack = try SamplePack([.standalone(content, .chunk)], keys: Sample.keys)
    #expect(pack.record(0).count <= RecordLimits.maximumRecordBytes)
    #expect(try pack.read(0) == content)
  }

  @Test(arguments: [0, Int(RecordLimits.maximumPlainBytes) + 1])
  func otherLengthsAreNotPacked(_ count: Int) {
    let error = #expect(throws: FormatError.self) {
      try SamplePack([.standalone([UInt8](repeating: 1, count: count), .chunk)])
    }
    #expect(error?.code == .invalidValue)
  }

  @Test func aDeltaThatSavesNothingIsNone() throws {
    var random = SeededRandom()
    let (old, new) = (random.bytes(4096), random.bytes(4096))
    let compressor = try Compressor(method: .standard)
    let delta = try new.withBytes { new in
      try old.withBytes { old in
        try PreparedRecord(
          deltaOf: new, id: Sample.id(1), type: .chunk, base: Sample.id(2), baseContent: old,
          compressor: compressor)
      }
    }
    #expect(delta == nil, "\(random)")
  }

  /// The window reaches from the end of a chunk to the start of its base, for every chunk size.
  @Test(arguments: [64 << 10, 128 << 10, 4 << 20]) func deltasReachTheWholeBase(
    _ chunkSize: Int
  ) throws {
    var random = SeededRandom(seed: UInt64(chunkSize))
    let old = random.bytes(chunkSize)
    // The start of the base comes last: this is the longest distance.
    let new = Array(old[(chunkSize / 2)...] + old[..<(chunkSize / 2)])
    let pack = try SamplePack([.standalone(old, .chunk), .delta(new, from: 0)])
    #expect(Int(pack.summary.entries[1].storedBytes) < chunkSize / 4)
    #expect(try pack.read(1) == new)
  }

  @Test func aChunkMayBeShorterOrLongerThanItsBase() throws {
    var random = SeededRandom()
    let old = random.bytes(10_000)
    let pack = try SamplePack([
      .standalone(old, .chunk), .delta(Array(old[..<3000]), from: 0),
      .delta(old + old, from: 0),
    ])
    for index in 0..<3 {
      #expect(try pack.read(index) == pack.contents[index], "\(random)")
    }
  }

  @Test(arguments: [nil, Sample.keys]) func aWrongBaseIsRefused(_ keys: RepositoryKeys?) throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(keys: keys, random: &random)
    let entry = pack.summary.entries[2]
    var other = pack.contents[0]
    other[2000] ^= 0x80
    for base in [other, Array(other.dropLast()), [], nil] {
      let error = #expect(throws: FormatError.self, "\(random)") {
        try decodeRecord(pack.record(2), expecting: entry, seal: pack.seal, base: base)
      }
      #expect(error?.code == .corrupt)
    }
    // The right plaintext, but the id of another base.
    for base in [Sample.id(9), nil] {
      let error = #expect(throws: FormatError.self, "\(random)") {
        try decodeRecord(
          pack.record(2), expecting: entry.with(base: .some(base)), seal: pack.seal,
          base: pack.contents[0])
      }
      #expect(error?.code == .corrupt)
    }
  }

  @Test func aDecoderThatFailedReadsTheNextRecord() throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(random: &random)
    let decoder = try RecordDecoder()
    var damaged = pack.record(2)
    damaged[damaged.count - 3] ^= 0xff
    var output = [UInt8](repeating: 0, count: 4096)
    let seal = try pack.seal
    func decode(_ index: Int, _ record: [UInt8], base: [UInt8]?) throws -> [UInt8] {
      let entry = pack.summary.entries[index]
      output = [UInt8](repeating: 0, count: Int(entry.plainBytes))
      try record.withBytes { record in
        try output.withMutableBytes { output in
          try (base ?? []).withBytes {
            try decoder.decode(
              record, expecting: entry, seal: seal, base: base == nil ? nil : $0, into: output)
          }
        }
      }
      return output
    }
    #expect(throws: FormatError.self) { try decode(2, damaged, base: pack.contents[0]) }
    // If the base were still set, this frame would be read with it.
    #expect(try decode(1, pack.record(1), base: nil) == pack.contents[1], "\(random)")
  }

  @Test(arguments: [nil, Sample.keys]) func swappedRecordsAreRefused(_ keys: RepositoryKeys?) throws
  {
    let contents = (0..<2).map { [UInt8](repeating: $0 + 1, count: 4096) }
    let pack = try SamplePack(contents.map { .standalone($0, .chunk) }, keys: keys)
    #expect(pack.record(0).count == pack.record(1).count)
    let error = #expect(throws: FormatError.self) {
      try decodeRecord(
        pack.record(1), expecting: pack.summary.entries[0], seal: pack.seal, base: nil)
    }
    #expect(error?.code == .corrupt)
  }

  /// The header of the expected record, before the sealed bytes of another record.
  @Test func aSealIsBoundToItsHeader() throws {
    let contents = (0..<2).map { [UInt8](repeating: $0 + 1, count: 4096) }
    let pack = try SamplePack(contents.map { .standalone($0, .chunk) }, keys: Sample.keys)
    let forged =
      pack.record(0)[..<RecordHeader.lengthBytes] + pack.record(1)[RecordHeader.lengthBytes...]
    let error = #expect(throws: FormatError.self) {
      try decodeRecord(
        Array(forged), expecting: pack.summary.entries[0], seal: pack.seal, base: nil)
    }
    #expect(error?.message.contains("seal") == true)
  }

  /// A record with the same header, number included, from another pack of the same repository.
  @Test func aSealIsBoundToItsPack() throws {
    let content = [UInt8](repeating: 1, count: 4096)
    let packs = try (0..<2).map { _ in
      try SamplePack([.standalone(content, .chunk)], keys: Sample.keys)
    }
    let error = #expect(throws: FormatError.self) {
      try decodeRecord(
        packs[1].record(0), expecting: packs[0].summary.entries[0], seal: packs[0].seal, base: nil)
    }
    #expect(error?.message.contains("seal") == true)
  }

  @Test func wrongEntriesAreRefused() throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(random: &random)
    let entry = pack.summary.entries[1]
    for lie in [
      entry.with(id: Sample.id(1)), entry.with(type: .mapNode), entry.with(codec: .raw),
      entry.with(storedBytes: entry.storedBytes + 1), entry.with(plainBytes: entry.plainBytes + 1),
    ] {
      let error = #expect(throws: FormatError.self, "\(lie), \(random)") {
        try decodeRecord(pack.record(1), expecting: lie, seal: pack.seal, base: nil)
      }
      #expect(error?.code == .corrupt)
    }
  }
}

/// Decompression accepts only a single frame that fills the plaintext exactly.
@Suite struct DecompressionTests {
  private let content = [UInt8](repeating: 0x61, count: 1 << 20)

  private func compressed() throws -> [UInt8] {
    try content.withBytes { try Compressor(method: .standard).compress($0).payload }
  }

  private func decompress(_ payload: [UInt8], into count: Int) throws -> [UInt8] {
    var output = [UInt8](repeating: 0, count: count)
    try payload.withBytes { payload in
      try output.withMutableBytes {
        try Decompressor().decompress(payload, base: nil, into: $0)
      }
    }
    return output
  }

  @Test func aFrameFillsItsPlaintext() throws {
    #expect(try decompress(compressed(), into: content.count) == content)
  }

  /// A frame of a few bytes that expands to 1 MiB.
  @Test(arguments: [1, 4096, (1 << 20) - 1]) func aBombIsNotInflated(into count: Int) throws {
    let payload = try compressed()
    #expect(payload.count < 100)
    let error = #expect(throws: FormatError.self) { try decompress(payload, into: count) }
    #expect(error?.code == .corrupt)
  }

  @Test func aFrameThatIsTooShortIsRefused() throws {
    let payload = try compressed()
    let error = #expect(throws: FormatError.self) {
      try decompress(payload, into: content.count + 1)
    }
    #expect(error?.code == .corrupt)
  }

  /// The library joins frames, skips skippable frames and reads frames of its first versions. The
  /// format allows none of these.
  @Test func onlyASingleFrameIsAccepted() throws {
    let frame = try compressed()
    let skippable = "502a4d18 04000000 00000000".hexadecimal
    let oldFrame = [0x27] + frame.dropFirst()
    for payload in [frame + skippable, skippable + frame, frame + [0], oldFrame, skippable, []] {
      let error = #expect(throws: FormatError.self) {
        try decompress(payload, into: content.count)
      }
      #expect(error?.code == .corrupt)
    }
    #expect(throws: FormatError.self) { try decompress(frame + frame, into: content.count * 2) }
  }
}
