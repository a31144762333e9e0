import TestSupport
import Testing

@testable import ChunkFormat

/// Every decoder of a file, with every kind of damage to its bytes.
///
/// A few bits of zstd frames in plain packs are cosmetic, such as the unused bit of a frame's
/// header. If any other bit is flipped, the file is refused.
@Suite struct DamageTests {
  /// A structure as bytes, and its decoder. The decoder returns everything that it read.
  struct Structure: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    /// Bytes in which a flipped bit may leave the decoded values unchanged.
    var cosmeticBytes = RangeSet<Int>()
    let decode: @Sendable ([UInt8]) throws -> String
  }

  private static func files(keys: RepositoryKeys?) throws -> [Structure] {
    let how = keys == nil ? "plain" : "sealed"
    return [
      try envelope(Sample.revision, keys), try envelope(Sample.marks, keys),
      try envelope(Sample.session, keys), try envelope(Sample.policies, keys),
      try envelope(Sample.quarantine, keys), try envelope(Sample.condemnation, keys),
      try envelope(Sample.pin, keys),
      Structure(
        testDescription: "\(how) configuration",
        bytes: try Sample.configuration(isEncrypted: keys != nil).encoded(keys: keys)
      ) { bytes in
        if let keys { try RepositoryConfiguration.authenticate(bytes, keys: keys) }
        return "\(try RepositoryConfiguration(encoded: bytes))"
      },
      try pack(keys: keys, description: "\(how) pack"),
    ]
  }

  private static func envelope<File: EnvelopedFile>(
    _ file: File, _ keys: RepositoryKeys?
  ) throws -> Structure {
    Structure(
      testDescription: "\(keys == nil ? "plain" : "sealed") \(File.fileKind.name)",
      bytes: try file.encoded(repository: Sample.repository, keys: keys)
    ) { "\(try File(encoded: $0, repository: Sample.repository, keys: keys))" }
  }

  /// Reads a pack as a store does: header, trailer, footer, every record.
  private static func pack(keys: RepositoryKeys?, description: String) throws -> Structure {
    let text = Array("varve varve varve varve varve varve".utf8)
    let pack = try SamplePack(
      [
        .standalone(Array(0..<64), .chunk), .standalone(text, .chunk),
        .delta(Array(0..<64) + [9], from: 0),
      ], keys: keys)
    var frames = RangeSet<Int>()
    for entry in pack.summary.entries where entry.codec != .raw && keys == nil {
      let range = entry.rangeInPack
      frames.insert(
        contentsOf: Int(range.lowerBound) + RecordHeader.lengthBytes..<Int(range.upperBound))
    }
    return Structure(testDescription: description, bytes: pack.bytes, cosmeticBytes: frames) {
      bytes in
      let header = try FileHeader(
        encoded: bytes, expecting: [.dataPack], of: Sample.repository)
      let seal = try PackSeal(header: header, keys: keys)
      let contents = try SamplePack.footer(of: bytes, keys: keys).map { entry in
        try decodeRecord(
          Array(bytes[Int(entry.rangeInPack.lowerBound)..<Int(entry.rangeInPack.upperBound)]),
          expecting: entry, seal: seal, base: entry.codec == .delta ? Array(0..<64) : nil)
      }
      return "\(contents)"
    }
  }

  private static func slot(
    _ method: KeySlotMethod, secret: SecretBytes
  ) throws -> Structure {
    Structure(
      testDescription: "slot of a \(method)",
      bytes: try KeySlotTests.slot(method, secret: secret)
    ) { bytes in
      let slot = try KeySlot(encoded: bytes, repository: Sample.repository)
      guard let opened = try slot.open(with: secret) else {
        throw FormatError(.wrongKey, in: "slot", "does not open")
      }
      return "\(opened.keys.dataKey.hexadecimal) \(opened.label)"
    }
  }

  static let structures: [Structure] = {
    do {
      return try files(keys: nil) + files(keys: Sample.keys) + [
        slot(.passphrase, secret: Sample.secret("passphrase")),
        slot(.keyFile, secret: Sample.secret(0x55)),
      ]
    } catch {
      Issue.record(error)
      return []
    }
  }()

  @Test(arguments: structures) func theWholeIsRead(_ structure: Structure) throws {
    #expect(try !structure.decode(structure.bytes).isEmpty)
  }

  @Test(arguments: structures) func everyTruncationIsRefused(_ structure: Structure) {
    for count in 0..<structure.bytes.count {
      #expect(throws: FormatError.self, "cut to \(count) bytes") {
        try structure.decode(Array(structure.bytes[..<count]))
      }
    }
  }

  @Test(arguments: structures) func everyFlippedBitIsRefused(_ structure: Structure) throws {
    let whole = try structure.decode(structure.bytes)
    for place in structure.bytes.indices {
      for bit in 0..<8 {
        var bytes = structure.bytes
        bytes[place] ^= 1 << UInt8(bit)
        do {
          let understood = try structure.decode(bytes)
          #expect(understood == whole, "bit \(bit) of byte \(place)")
          #expect(structure.cosmeticBytes.contains(place), "bit \(bit) of byte \(place)")
        } catch {
          #expect(error is FormatError)
        }
      }
    }
  }

  @Test(arguments: structures) func appendedBytesAreRefused(_ structure: Structure) {
    for extra in [[0], [UInt8](repeating: 0xff, count: 48), structure.bytes] as [[UInt8]] {
      #expect(throws: FormatError.self) { try structure.decode(structure.bytes + extra) }
    }
  }

  /// Stretches after the header are overwritten, moved and repeated; the header stays intact.
  @Test(arguments: structures) func randomDamageIsRefused(_ structure: Structure) {
    var random = SeededRandom()
    for _ in 0..<400 {
      var bytes = structure.bytes
      let start = Int.random(in: 0..<bytes.count, using: &random)
      let end = Int.random(in: start..<min(start + 40, bytes.count), using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes.replaceSubrange(start...end, with: random.bytes(end - start + 1))
      case 1: bytes.removeSubrange(start...end)
      default: bytes.insert(contentsOf: bytes[start...end], at: start)
      }
      guard bytes != structure.bytes, !structure.cosmeticBytes.contains(start) else { continue }
      #expect(throws: FormatError.self, "\(start)...\(end), \(random)") {
        try structure.decode(bytes)
      }
    }
  }

  @Test(arguments: structures) func randomBytesAreRefused(_ structure: Structure) {
    var random = SeededRandom()
    for _ in 0..<400 {
      let bytes = random.bytes(Int.random(in: 0..<600, using: &random))
      #expect(throws: FormatError.self, "\(random)") { try structure.decode(bytes) }
      let behindHeader = structure.bytes[..<FileHeader.lengthBytes] + bytes
      #expect(throws: FormatError.self, "\(random)") {
        try structure.decode(Array(behindHeader))
      }
    }
  }

  @Test(arguments: structures) func anotherVersionIsRefusedByName(_ structure: Structure) {
    var bytes = structure.bytes
    bytes[8] = 2
    let error = #expect(throws: FormatError.self) { try structure.decode(bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("version 2") == true)
    #expect(RepositoryFileKind.allCases.contains { $0.name == error?.structure })
  }

  @Test(arguments: structures) func anUnknownSealIsRefusedByName(_ structure: Structure) {
    var bytes = structure.bytes
    bytes[10] = 2
    let error = #expect(throws: FormatError.self) { try structure.decode(bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("sealing method 2") == true)
  }

  @Test(arguments: structures) func anotherKindIsRefused(_ structure: Structure) {
    for kind in RepositoryFileKind.allCases {
      let magic = Array(kind.rawValue.utf8)
      guard !structure.bytes.starts(with: magic) else { continue }
      #expect(throws: FormatError.self) {
        try structure.decode(magic + structure.bytes.dropFirst(8))
      }
    }
  }
}

/// Envelopes bind a file to its keys and its repository.
@Suite struct EnvelopeTests {
  private static func encode(
    _ body: [UInt8] = [1, 2, 3], kind: RepositoryFileKind = .revision,
    keys: RepositoryKeys? = Sample.keys
  ) throws -> [UInt8] {
    try Envelope.encode(
      body, kind: kind, repository: Sample.repository, keys: keys, limitBytes: 1000)
  }

  private static func decode(
    _ bytes: [UInt8], kind: RepositoryFileKind = .revision,
    repository: RepositoryID = Sample.repository, keys: RepositoryKeys? = Sample.keys
  ) throws(FormatError) -> [UInt8] {
    try Envelope.decode(
      bytes, kind: kind, repository: repository, keys: keys, limitBytes: 1000)
  }

  @Test(arguments: [nil, Sample.keys], [0, 1, 900]) func readsBack(
    _ keys: RepositoryKeys?, _ count: Int
  ) throws {
    let body = [UInt8](repeating: 7, count: count)
    #expect(try Self.decode(Self.encode(body, keys: keys), keys: keys) == body)
  }

  @Test func itCannotBeReadWithoutTheKeys() throws {
    let bytes = try Self.encode()
    let missing = #expect(throws: FormatError.self) { try Self.decode(bytes, keys: nil) }
    #expect(missing?.code == .wrongKey)
    let wrong = #expect(throws: FormatError.self) {
      try Self.decode(bytes, keys: Sample.otherKeys)
    }
    #expect(wrong?.code == .corrupt)
  }

  @Test func itCannotBeWrittenWithoutTheKeys() throws {
    let error = #expect(throws: FormatError.self) { try Self.decode(Self.encode(keys: nil)) }
    #expect(error?.code == .corrupt)
  }

  @Test func anotherRepositorysIsRefused() throws {
    for keys in [nil, Sample.keys] {
      let error = #expect(throws: FormatError.self) {
        try Self.decode(Self.encode(keys: keys), repository: Sample.otherRepository, keys: keys)
      }
      #expect(error?.code == .wrongRepository)
    }
  }

  /// Nobody can move a file from one repository into another repository of the same owner.
  @Test func aChangedRepositoryBreaksTheSeal() throws {
    var bytes = try Self.encode()
    bytes.replaceSubrange(16..<32, with: Sample.otherRepository.bytes)
    let error = #expect(throws: FormatError.self) {
      try Self.decode(bytes, repository: Sample.otherRepository)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func sealedTwiceItNeverLooksTheSame() throws {
    let (first, second) = (try Self.encode(), try Self.encode())
    #expect(first[32..<64] != second[32..<64], "salts")
    #expect(first[64...] != second[64...], "bodies")
  }

  @Test func showsNoNames() throws {
    let sealed = try Sample.revision.encoded(repository: Sample.repository, keys: Sample.keys)
    for name in ["db01", "vda", "nightly", "domain.xml", "host", "/dev"] {
      #expect(sealed.firstRange(of: Array(name.utf8)) == nil)
    }
  }

  @Test func longerFilesAreNeitherWrittenNorRead() throws {
    let error = #expect(throws: FormatError.self) {
      try Self.encode([UInt8](repeating: 0, count: 921))
    }
    #expect(error?.code == .invalidValue)
    let bytes = try Envelope.encode(
      [UInt8](repeating: 0, count: 921), kind: .revision, repository: Sample.repository,
      keys: nil, limitBytes: 2000)
    let refused = #expect(throws: FormatError.self) { try Self.decode(bytes, keys: nil) }
    #expect(refused?.code == .corrupt)
  }
}
