import TestSupport
import Testing

@testable import ChunkFormat

/// These tests fail if the format changes by accident.
@Suite struct GoldenTests {
  @Test func plainFilesAreWrittenByteForByte() throws {
    let repository = Sample.repository
    #expect(try Sample.revision.encoded(repository: repository, keys: nil) == Golden.revision)
    #expect(try Sample.marks.encoded(repository: repository, keys: nil) == Golden.marks)
    #expect(try Sample.session.encoded(repository: repository, keys: nil) == Golden.session)
    #expect(try Sample.policies.encoded(repository: repository, keys: nil) == Golden.policies)
    #expect(try Sample.quarantine.encoded(repository: repository, keys: nil) == Golden.quarantine)
    #expect(
      try Sample.condemnation.encoded(repository: repository, keys: nil) == Golden.condemnation)
    #expect(try Sample.pin.encoded(repository: repository, keys: nil) == Golden.pin)
    #expect(
      try Sample.configuration(isEncrypted: false).encoded(keys: nil) == Golden.configuration)
    #expect(
      try Sample.configuration(isEncrypted: true).encoded(keys: Sample.keys)
        == Golden.sealedConfiguration)
  }

  @Test func unusualRevisionsHaveOneMoreField() throws {
    var revision = Sample.revision
    revision.isUnusual = true
    let repository = Sample.repository
    #expect(try revision.encoded(repository: repository, keys: nil) == Golden.unusualRevision)
    #expect(
      try Revision(encoded: Golden.unusualRevision, repository: repository, keys: nil) == revision)
  }

  @Test func theTrustBeforeDistrustIsOneMoreField() throws {
    var marks = Sample.marks
    marks.distrust(at: 7, canBeUndone: true)
    let repository = Sample.repository
    #expect(try marks.encoded(repository: repository, keys: nil) == Golden.distrustedMarks)
    #expect(
      try RevisionMarks(
        encoded: Golden.distrustedMarks, revision: Sample.fileID(0xdd), repository: repository,
        keys: nil) == marks)
  }

  @Test func aPlainPackIsWrittenByteForByte() throws {
    let pack = try SamplePack(
      [.standalone([1, 2, 3], .chunk), .standalone(Array("varve".utf8), .chunk)],
      compression: .none)
    // The salt is random, and so is its checksum.
    #expect(pack.bytes[..<32] == Golden.pack[..<32])
    #expect(pack.bytes[64...] == Golden.pack[64...])
  }

  @Test func aMapNodeIsWrittenByteForByte() throws {
    var node = MapNode(level: 3)
    node.children[0] = Sample.id(1)
    node.children[130] = Sample.id(2)
    node.children[255] = Sample.id(3)
    #expect(node.encoded() == Golden.mapNode)
    #expect(try MapNode(encoded: Golden.mapNode) == node)
  }

  @Test func sealedFilesAreRead() throws {
    let (repository, keys) = (Sample.repository, Sample.keys)
    #expect(
      try Revision(encoded: Golden.sealedRevision, repository: repository, keys: keys)
        == Sample.revision)
    #expect(
      try RevisionMarks(
        encoded: Golden.sealedMarks, revision: Sample.fileID(0xdd), repository: repository,
        keys: keys) == Sample.marks)
    #expect(
      try SessionRecord(encoded: Golden.sealedSession, repository: repository, keys: keys)
        == Sample.session)
    #expect(
      try RetentionPolicies(encoded: Golden.sealedPolicies, repository: repository, keys: keys)
        == Sample.policies)
    #expect(
      try QuarantineReport(encoded: Golden.sealedQuarantine, repository: repository, keys: keys)
        == Sample.quarantine)
    #expect(
      try Condemnation(encoded: Golden.sealedCondemnation, repository: repository, keys: keys)
        == Sample.condemnation)
    #expect(
      try Pin(encoded: Golden.sealedPin, repository: repository, keys: keys) == Sample.pin)
    try RepositoryConfiguration.authenticate(Golden.sealedConfiguration, keys: keys)
  }

  @Test func aSealedPackIsRead() throws {
    let header = try FileHeader(
      encoded: Golden.sealedPack, expecting: [.dataPack], of: Sample.repository)
    let seal = try PackSeal(header: header, keys: Sample.keys)
    let contents = try SamplePack.footer(of: Golden.sealedPack, keys: Sample.keys).map { entry in
      let range = entry.rangeInPack
      return try decodeRecord(
        Array(Golden.sealedPack[Int(range.lowerBound)..<Int(range.upperBound)]),
        expecting: entry, seal: seal, base: nil)
    }
    #expect(contents == [[1, 2, 3], Array("varve".utf8)])
  }

  @Test func slotsOpen() throws {
    for (bytes, secret) in [
      (Golden.passphraseSlot, Sample.secret("correct horse")),
      (Golden.keyFileSlot, Sample.secret(0x44)),
    ] {
      let slot = try KeySlot(encoded: bytes, repository: Sample.repository)
      let opened = try #require(try slot.open(with: secret))
      #expect(opened.keys.idKey.hexadecimal == Sample.keys.idKey.hexadecimal)
      #expect(opened.keys.dataKey.hexadecimal == Sample.keys.dataKey.hexadecimal)
      #expect(opened.label == "Ada's laptop")
      #expect(slot.created == 6_000_000_000)
    }
  }
}
