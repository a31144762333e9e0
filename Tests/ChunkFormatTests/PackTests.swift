import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct PackTests {
  @Test(arguments: [nil, Sample.keys]) func theFooterListsWhatWasWritten(
    _ keys: RepositoryKeys?
  ) throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(keys: keys, random: &random)
    #expect(try SamplePack.footer(of: pack.bytes, keys: keys) == pack.summary.entries, "\(random)")
    #expect(pack.summary.lengthBytes == UInt64(pack.bytes.count))
    #expect(try pack.summary.id == PackID(of: pack.bytes))
    #expect(pack.summary.entries[0].rangeInPack.lowerBound == UInt64(FileHeader.lengthBytes))
  }

  @Test(arguments: [nil, Sample.keys]) func anEmptyPackIsOne(_ keys: RepositoryKeys?) throws {
    let pack = try SamplePack([], keys: keys)
    #expect(try SamplePack.footer(of: pack.bytes, keys: keys).isEmpty)
  }

  @Test func recordsHaveThePredictedLength() throws {
    let compressor = try Compressor(method: .none)
    let content = [UInt8](repeating: 5, count: 1000)
    for keys in [nil, Sample.keys] {
      let record = try content.withBytes {
        try PreparedRecord(
          standalone: $0, id: Sample.id(1), type: .chunk, compressor: compressor)
      }
      let pack = try SamplePack([.standalone(content, .chunk)], keys: keys, compression: .none)
      #expect(record.packedBytes(sealing: keys == nil ? .none : .dataKey) == pack.record(0).count)
    }
  }

  @Test(arguments: [(RepositoryFileKind.dataPack, RecordType.mapNode), (.mapPack, .chunk)])
  func eachKindHoldsItsRecords(_ kind: RepositoryFileKind, _ type: RecordType) {
    let error = #expect(throws: FormatError.self) {
      try SamplePack([.standalone([1, 2, 3], type)], kind: kind)
    }
    #expect(error?.code == .invalidValue)
  }

  /// An encrypted repository never reads a pack that somebody without its keys could have written.
  @Test func aPlainPackIsRefusedWhereThereAreKeys() throws {
    let pack = try SamplePack([.standalone([1], .chunk)])
    let error = #expect(throws: FormatError.self) {
      try SamplePack.footer(of: pack.bytes, keys: Sample.keys)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func aSealedPackNeedsTheKeys() throws {
    let pack = try SamplePack([.standalone([1], .chunk)], keys: Sample.keys)
    let missing = #expect(throws: FormatError.self) {
      try SamplePack.footer(of: pack.bytes, keys: nil)
    }
    #expect(missing?.code == .wrongKey)
    #expect(throws: FormatError.self) {
      try SamplePack.footer(of: pack.bytes, keys: Sample.otherKeys)
    }
  }

  @Test func anotherRepositorysPackIsRefused() throws {
    let pack = try SamplePack([.standalone([1], .chunk)])
    let error = #expect(throws: FormatError.self) {
      try FileHeader(encoded: pack.bytes, expecting: [.dataPack], of: Sample.otherRepository)
    }
    #expect(error?.code == .wrongRepository)
  }

  @Test func aFooterOfAnotherPackIsRefused() throws {
    let packs = try (0..<2).map { byte in
      try SamplePack([.standalone([UInt8(byte)], .chunk)], keys: Sample.keys)
    }
    let mixed =
      packs[0].bytes[..<Int(packs[0].summary.entries[0].rangeInPack.upperBound)]
      + packs[1].bytes[Int(packs[1].summary.entries[0].rangeInPack.upperBound)...]
    #expect(mixed.count == packs[0].bytes.count)
    #expect(throws: FormatError.self) {
      try SamplePack.footer(of: Array(mixed), keys: Sample.keys)
    }
  }

  @Test func aThiefSeesNoContent() throws {
    let secret = Array("the quick brown fox jumps over the lazy dog".utf8)
    let pack = try SamplePack(
      [.standalone(secret, .chunk)], keys: Sample.keys, compression: .none)
    let plain = try SamplePack([.standalone(secret, .chunk)], compression: .none)
    #expect(pack.bytes.firstRange(of: secret) == nil)
    #expect(plain.bytes.firstRange(of: secret) != nil)
    let digest = try FileDigest(of: secret).withUnsafeBytes { Array($0) }
    #expect(pack.bytes.firstRange(of: digest) == nil, "a plain hash would confirm a guess")
  }

  /// A pack whose footer has a false value and a matching checksum.
  private static func pack(
    countingMore: Int = 0, claiming change: (inout ByteWriter, inout [PackEntry]) -> Void
  ) throws -> [UInt8] {
    let pack = try SamplePack([.standalone([1, 2, 3], .chunk), .standalone([4], .chunk)])
    var entries = pack.summary.entries
    var extra = ByteWriter()
    change(&extra, &entries)
    var footer = ByteWriter()
    for entry in entries { entry.write(to: &footer) }
    footer.write(raw: extra.bytes)
    let end = Int(pack.summary.entries[1].rangeInPack.upperBound)
    var claims = ByteWriter()
    claims.write(UInt32(footer.bytes.count))
    claims.write(UInt32(entries.count + countingMore))
    claims.write(UInt64(end + footer.bytes.count + PackFooter.trailerBytes))
    return pack.bytes[..<end] + footer.bytes + claims.bytes
      + Checksum(of: footer.bytes + claims.bytes).encoded + PackFooter.magic
  }

  @Test func wrongFootersAreRefused() throws {
    let lies: [(inout ByteWriter, inout [PackEntry]) -> Void] = [
      { _, entries in entries.removeLast() },
      { _, entries in entries.removeFirst() },
      { _, entries in entries.swapAt(0, 1) },
      { _, entries in entries[1] = entries[0] },
      { _, entries in entries[0] = entries[0].with(type: .mapNode) },
      { _, entries in entries[0] = entries[0].with(plainBytes: .max) },
      { _, entries in entries[0] = entries[0].with(plainBytes: 0) },
      { _, entries in entries[1] = entries[1].with(storedBytes: .max) },
      { _, entries in entries[0] = entries[0].with(plainBytes: 2) },
      { extra, _ in extra.write(UInt8(0)) },
      { extra, entries in extra.write(raw: [UInt8](repeating: 0, count: 48)) },
    ]
    for (number, lie) in lies.enumerated() {
      let bytes = try Self.pack(claiming: lie)
      #expect(throws: FormatError.self, "lie \(number)") {
        try SamplePack.footer(of: bytes, keys: nil)
      }
    }
    for count in [-1, 1] {
      let bytes = try Self.pack(countingMore: count) { _, _ in }
      #expect(throws: FormatError.self) { try SamplePack.footer(of: bytes, keys: nil) }
    }
    #expect(try SamplePack.footer(of: Self.pack { _, _ in }, keys: nil).count == 2)
  }

  @Test(arguments: [(12, UInt8(3)), (13, 3)]) func anUnknownTypeOrCodecIsRefusedByName(
    _ offset: Int, _ value: UInt8
  ) throws {
    let bytes = try Self.pack { extra, entries in
      for entry in entries { entry.write(to: &extra) }
      entries = []
      var changed = extra.bytes
      changed[offset] = value
      extra = ByteWriter()
      extra.write(raw: changed)
    }
    let error = #expect(throws: FormatError.self) { try SamplePack.footer(of: bytes, keys: nil) }
    #expect(error?.code == .unsupported)
  }

  struct TrailerClaim: Sendable {
    let footerBytes: UInt32
    let recordCount: UInt32
    let packBytes: UInt64

    init(_ footerBytes: UInt32, _ recordCount: UInt32, _ packBytes: UInt64) {
      (self.footerBytes, self.recordCount, self.packBytes) = (footerBytes, recordCount, packBytes)
    }
  }

  /// Values in a trailer that would make a reader load gigabytes, or compute a negative number.
  @Test(arguments: [
    TrailerClaim(.max, 0, 5 << 30), TrailerClaim(41 << 20, 1 << 19, 1 << 29),
    TrailerClaim(0, .max, 1 << 20), TrailerClaim(0, 0, (1 << 30) + 1), TrailerClaim(0, 0, 0),
    TrailerClaim(.max, 0, 104), TrailerClaim(1, 0, 104), TrailerClaim(0, 0, .max),
  ]) func trailersClaimNoMoreThanAPackHolds(
    _ claim: TrailerClaim
  ) {
    var trailer = ByteWriter()
    trailer.write(claim.footerBytes)
    trailer.write(claim.recordCount)
    trailer.write(claim.packBytes)
    trailer.write(raw: [UInt8](repeating: 0, count: Checksum.lengthBytes))
    trailer.write(raw: PackFooter.magic)
    let error = #expect(throws: FormatError.self) {
      try PackFooter.Trailer(encoded: trailer.bytes, packBytes: claim.packBytes)
    }
    #expect(error?.code == .corrupt)
  }
}

@Suite struct PackScannerTests {
  /// All records that a scan of `bytes` finds and that read back with the right id.
  private static func scan(_ bytes: [UInt8], pack: SamplePack) throws -> [PackEntry] {
    let sealing = try pack.seal.header.sealing
    return try bytes.withBytes { stretch in
      var found: [PackEntry] = []
      var position = 0
      while let entry = PackScanner.nextRecord(
        in: stretch, from: position, offsetInPack: 0, sealing: sealing)
      {
        let start = Int(entry.offsetBytes)
        let end = Int(clamping: entry.rangeInPack.upperBound)
        let known = pack.contents[safe: pack.summary.entries.firstIndex { $0.id == entry.base }]
        let content =
          end <= bytes.count
          ? try? decodeRecord(
            Array(bytes[start..<end]), expecting: entry, seal: pack.seal, base: known) : nil
        let id = try content.map { content in
          try content.withBytes {
            try ContentHasher(idKey: pack.keys?.idKey).id(of: $0, type: entry.type)
          }
        }
        if id == entry.id { found.append(entry) }
        position = id == entry.id ? end : start + 1
      }
      return found
    }
  }

  @Test(arguments: [nil, Sample.keys]) func findsEveryRecordWithoutAFooter(
    _ keys: RepositoryKeys?
  ) throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(keys: keys, random: &random)
    let end = Int(pack.summary.entries[3].rangeInPack.upperBound)
    #expect(
      try Self.scan(Array(pack.bytes[..<end]), pack: pack) == pack.summary.entries, "\(random)")
  }

  @Test(arguments: 0..<4) func aDamagedRecordHidesNoOther(_ damaged: Int) throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(random: &random)
    for place in [0, 12, 30, 71] {
      var bytes = pack.bytes
      bytes[Int(pack.summary.entries[damaged].offsetBytes) + place] ^= 0x40
      var expected = pack.summary.entries
      expected.remove(at: damaged)
      #expect(try Self.scan(bytes, pack: pack) == expected, "byte \(place), \(random)")
    }
  }

  /// Content that contains the magic, truncated headers and complete headers, some of them forged.
  @Test func contentThatLooksLikeRecordsDoesNotMislead() throws {
    var random = SeededRandom()
    let inner = try SamplePack.mixed(random: &random)
    var forged = inner.record(0)
    forged[RecordHeader.lengthBytes] ^= 1
    forged.withUnsafeMutableBytes { bytes in
      let content = UnsafeRawBufferPointer(bytes).part(RecordHeader.lengthBytes..<bytes.count)
      RecordHeader(
        type: .chunk, codec: .raw, number: 0, storedBytes: 4096, plainBytes: 4096,
        id: inner.summary.entries[0].id, checksum: Checksum(of: content)
      ).store(to: bytes)
    }
    let magics = Array("VVRVRECVREVREC".utf8)
    let hostile = magics + forged + forged.dropLast(4090) + random.bytes(500) + magics
    let pack = try SamplePack(
      [.standalone(hostile, .chunk), .standalone([1], .chunk)], compression: .none)
    #expect(try Self.scan(pack.bytes, pack: pack) == pack.summary.entries, "\(random)")

    // If the outer record is lost, the scan finds the headers in its content, but rejects them.
    var damaged = pack.bytes
    damaged[Int(pack.summary.entries[0].offsetBytes)] ^= 1
    #expect(try Self.scan(damaged, pack: pack) == [pack.summary.entries[1]], "\(random)")
    damaged.withUnsafeBytes { bytes in
      let claim = PackScanner.nextRecord(in: bytes, from: 0, offsetInPack: 0, sealing: .none)
      #expect(claim?.id == inner.summary.entries[0].id, "the forged header is intact")
    }
  }

  /// A pack is read in stretches. They overlap, so that one of them contains each header
  /// completely.
  @Test func stretchesLoseNothing() throws {
    var random = SeededRandom()
    let pack = try SamplePack.mixed(random: &random)
    let stretchBytes = 1000
    var found: [PackEntry] = []
    var start = 0
    while start < pack.bytes.count {
      let stretch = Array(pack.bytes[start...].prefix(stretchBytes))
      var position = 0
      stretch.withUnsafeBytes { bytes in
        while let entry = PackScanner.nextRecord(
          in: bytes, from: position, offsetInPack: UInt64(start), sealing: .none)
        {
          if found.last != entry { found.append(entry) }
          position = Int(entry.offsetBytes) - start + 1
        }
      }
      start += stretchBytes - PackScanner.overlapBytes
    }
    #expect(found == pack.summary.entries, "\(random)")
  }

  /// At offsets that do not fit into an entry, the scan ends and does not trap.
  @Test func aFileBeyond4GiBDoesNotTrap() throws {
    let pack = try SamplePack([.standalone([1], .chunk)])
    pack.bytes.withUnsafeBytes { bytes in
      #expect(
        PackScanner.nextRecord(in: bytes, from: 0, offsetInPack: 1 << 32, sealing: .none) == nil)
      #expect(
        PackScanner.nextRecord(
          in: bytes, from: bytes.count + 5, offsetInPack: 0, sealing: .none) == nil)
    }
  }

  @Test func randomBytesNeverTrap() {
    var random = SeededRandom()
    for _ in 0..<300 {
      var bytes = random.bytes(400)
      for _ in 0..<5 {
        let place = Int.random(in: 0..<390, using: &random)
        bytes.replaceSubrange(place..<place + 4, with: RecordHeader.magic)
      }
      let claim = bytes.withUnsafeBytes {
        PackScanner.nextRecord(in: $0, from: 0, offsetInPack: 0, sealing: .none)
      }
      #expect(claim == nil, "\(random)")
    }
  }
}

extension Array {
  subscript(safe index: Int?) -> Element? { index.map { self[$0] } }
}
