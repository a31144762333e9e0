import Testing

@testable import ChunkFormat

@Suite struct ConfigurationTests {
  private static func bytes(isEncrypted: Bool) throws -> [UInt8] {
    try Sample.configuration(isEncrypted: isEncrypted).encoded(
      keys: isEncrypted ? Sample.keys : nil)
  }

  /// Changes `bytes` and gives them a matching checksum, so that they look intact.
  private static func changed(
    _ bytes: [UInt8], _ change: (inout [UInt8]) -> Void
  ) -> [UInt8] {
    var claims = Array(bytes.dropLast(Checksum.lengthBytes))
    change(&claims)
    return claims + Checksum(of: claims).encoded
  }

  @Test(arguments: [false, true]) func readsBackUnchanged(isEncrypted: Bool) throws {
    let bytes = try Self.bytes(isEncrypted: isEncrypted)
    let configuration = try RepositoryConfiguration(encoded: bytes)
    #expect(try configuration == Sample.configuration(isEncrypted: isEncrypted))
    if isEncrypted {
      try RepositoryConfiguration.authenticate(bytes, keys: Sample.keys)
    }
  }

  @Test func othersKeysDoNotAuthenticateIt() throws {
    let bytes = try Self.bytes(isEncrypted: true)
    for keys in [
      Sample.otherKeys,
      RepositoryKeys(idKey: Sample.secret(0x99), dataKey: Sample.keys.dataKey),
    ] {
      let error = #expect(throws: FormatError.self) {
        try RepositoryConfiguration.authenticate(bytes, keys: keys)
      }
      #expect(error?.code == .corrupt)
    }
  }

  /// Somebody who can write to the disk must not be able to turn encryption off.
  @Test func encryptionCannotBeTakenAway() throws {
    let forged = try Self.bytes(isEncrypted: false)
    #expect(try !RepositoryConfiguration(encoded: forged).isEncrypted)
    let error = #expect(throws: FormatError.self) {
      try RepositoryConfiguration.authenticate(forged, keys: Sample.keys)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func aPlainOneCarriesNoAuthentication() throws {
    let bytes = Self.changed(try Self.bytes(isEncrypted: false)) { $0[$0.count - 1] = 1 }
    let error = #expect(throws: FormatError.self) { try RepositoryConfiguration(encoded: bytes) }
    #expect(error?.code == .corrupt)
  }

  @Test(arguments: [0, 1, 65_535, 65_537, 96 << 10, 8 << 20, -131_072, .max])
  func chunkSizesArePowersOfTwoInBounds(_ size: Int) {
    #expect(!RepositoryConfiguration.isValid(chunkSizeBytes: size))
  }

  @Test func aChunkSizeThatCannotBeIsDamage() throws {
    let bytes = Self.changed(try Self.bytes(isEncrypted: false)) { $0[70] = 1 }
    let error = #expect(throws: FormatError.self) { try RepositoryConfiguration(encoded: bytes) }
    #expect(error?.code == .corrupt)
  }

  struct Novelty: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let offset: Int
    let value: UInt8
  }

  @Test(arguments: [
    Novelty(testDescription: "version 2", offset: 8, value: 2),
    Novelty(testDescription: "encryption method 2", offset: 80, value: 2),
    Novelty(testDescription: "compression 'zstdx3'", offset: 91, value: 0x78),
  ]) func whatALaterProgramChoseIsRefusedByName(_ novelty: Novelty) throws {
    let bytes = Self.changed(try Self.bytes(isEncrypted: false)) {
      $0[novelty.offset] = novelty.value
    }
    let error = #expect(throws: FormatError.self) { try RepositoryConfiguration(encoded: bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains(novelty.testDescription) == true)
  }

  @Test func aHugeFileIsNoConfiguration() {
    let bytes = Array("VARVECFG".utf8) + [1] + [UInt8](repeating: 0, count: 1 << 20)
    let error = #expect(throws: FormatError.self) { try RepositoryConfiguration(encoded: bytes) }
    #expect(error?.code == .corrupt)
  }

  @Test(arguments: [
    ("none", CompressionMethod.none), ("zstd", .zstd(level: 1)), ("zstd:19", .zstd(level: 19)),
    ("zstd:-7", .zstd(level: -7)), ("zstd:-1", .zstd(level: -1)),
  ]) func compressionIsNamed(_ text: String, _ method: CompressionMethod) {
    #expect(CompressionMethod(text) == method)
    #expect(CompressionMethod(method.description) == method)
  }

  @Test(arguments: [
    "", "zstd:", "zstd:0", "zstd:20", "zstd:1:2", "lz4", "none:1", "zstd:99999999999999999999",
    "zstd:-8", "zstd:+3", "zstd:03", "zstd:-0", "zstd:-",
  ])
  func otherCompressionIsNot(_ text: String) {
    #expect(CompressionMethod(text) == nil)
  }
}
