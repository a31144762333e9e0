import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct MarksTests {
  private static func encode(_ marks: RevisionMarks, keys: RepositoryKeys? = nil) throws -> [UInt8]
  {
    try marks.encoded(repository: Sample.repository, keys: keys)
  }

  private static func decode(
    _ bytes: [UInt8], of revision: RevisionID = Sample.fileID(0xdd), keys: RepositoryKeys? = nil
  ) throws -> RevisionMarks {
    try RevisionMarks(
      encoded: bytes, revision: revision, repository: Sample.repository, keys: keys)
  }

  @Test(arguments: [Trust.trusted, .distrusted, .verified]) func readBackUnchanged(
    _ trust: Trust
  ) throws {
    var marks = Sample.marks
    marks.trust = trust
    #expect(try Self.decode(Self.encode(marks)) == marks)
    #expect(try Self.decode(Self.encode(marks, keys: Sample.keys), keys: Sample.keys) == marks)
  }

  @Test func protectionComesBackAndCostsNothingElse() throws {
    var marks = Sample.marks
    marks.isProtected = true
    #expect(try Self.decode(Self.encode(marks)) == marks)
    #expect(try Self.encode(marks).count == Self.encode(Sample.marks).count + 7)
  }

  @Test func aNewNameOfTheJob() throws {
    var marks = Sample.marks
    marks.rename(job: "web01", to: "web02")
    #expect(try Self.decode(Self.encode(marks)) == marks)
    // One critical field with five bytes, and one field that older programs skip.
    let encoded = try Self.encode(marks)
    #expect(encoded.count == (try Self.encode(Sample.marks).count) + 2 * (6 + 5))
    marks.rename(job: "web02", to: "two words")
    #expect(throws: FormatError.self) { try Self.encode(marks) }
  }

  /// A later program may know other kinds of protection. A program that ignored an unknown kind
  /// would forget the revision.
  @Test(arguments: [0, 2] as [UInt8]) func anUnknownProtectionIsRefusedByName(
    protection: UInt8
  ) throws {
    var fields = FieldListWriter()
    fields.field(0x8001, Sample.fileID(0xdd) as RevisionID)
    fields.field(0x8003, UInt8(0))
    fields.field(0x8005, protection)
    let bytes = try Envelope.encode(
      fields.bytes, kind: .marks, repository: Sample.repository, keys: nil, limitBytes: 1000)
    let error = #expect(throws: FormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("protection \(protection)") == true)
  }

  @Test func theTimeOfDistrustIsKept() throws {
    var marks = Sample.marks
    marks.distrust(at: 7, canBeUndone: true)
    #expect(marks.trust == .distrusted)
    #expect(try Self.decode(Self.encode(marks)).distrustedSince == 7)
    marks.promote()
    #expect(marks.trust == .verified)
    #expect(try Self.decode(Self.encode(marks)).distrustedSince == nil)
  }

  /// An earlier program reads the values before the number of damaged chunks, and ignores that
  /// number.
  @Test func damageIsNotedAfterAVerification() throws {
    var marks = Sample.marks
    marks.verification = VerificationMark(time: 5, checkedChunks: 7, totalChunks: 9)
    let sound = try Self.encode(marks)
    marks.verification = VerificationMark(
      time: 5, checkedChunks: 7, totalChunks: 9, damagedChunks: 2)
    let damaged = try Self.encode(marks)
    #expect(damaged.count == sound.count + 8)
    #expect(try Self.decode(damaged) == marks)
    #expect(try Self.decode(sound).verification?.damagedChunks == 0)
  }

  /// Also if the revision was distrusted twice: it gets back the trust from before the first time.
  @Test(arguments: [Trust.trusted, .verified]) func distrustCanBeTakenBack(_ before: Trust) throws {
    var marks = Sample.marks
    marks.trust = before
    let untouched = marks
    marks.distrust(at: 7, canBeUndone: true)
    marks.distrust(at: 8, canBeUndone: true)
    marks = try Self.decode(Self.encode(marks))
    let isUndone = marks.undoDistrust()
    #expect(isUndone)
    #expect(marks == untouched)
    let isUndoneAgain = marks.undoDistrust()
    #expect(!isUndoneAgain)
  }

  @Test func distrustAfterDamageCannotBeTakenBack() throws {
    var marks = Sample.marks
    marks.distrust(at: 7, canBeUndone: true)
    marks.distrust(at: 7, canBeUndone: false)
    marks.distrust(at: 8, canBeUndone: true)
    let isUndone = marks.undoDistrust()
    #expect(!isUndone)
    #expect(marks.trust == .distrusted)
  }

  @Test func mayBeEmpty() throws {
    let marks = RevisionMarks(
      revision: Sample.fileID(0xdd), tags: [], trust: .trusted, verification: nil)
    #expect(try Self.decode(Self.encode(marks)) == marks)
  }

  /// Renaming a file must not give the marks of one revision to another.
  @Test func anotherRevisionsAreRefused() throws {
    let bytes = try Self.encode(Sample.marks)
    let error = #expect(throws: FormatError.self) {
      try Self.decode(bytes, of: Sample.fileID(0xde))
    }
    #expect(error?.code == .corrupt)
  }

  @Test func badTagsAreNeitherWrittenNorRead() throws {
    var marks = Sample.marks
    marks.tags = ["two words"]
    #expect(throws: FormatError.self) { try Self.encode(marks) }
    var fields = FieldListWriter()
    fields.field(0x8001, marks.revision)
    fields.field(2, "two words")
    fields.field(0x8003, UInt8(0))
    let bytes = try Envelope.encode(
      fields.bytes, kind: .marks, repository: Sample.repository, keys: nil, limitBytes: 1000)
    let error = #expect(throws: FormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == .corrupt)
  }

  @Test func moreTagsThanAReaderLoadsAreNotWritten() {
    var marks = Sample.marks
    marks.tags = (0..<400).map { "\($0)".padded(to: Name.maximumBytes) }
    let error = #expect(throws: FormatError.self) { try Self.encode(marks) }
    #expect(error?.code == .invalidValue)
  }

  @Test func anUnknownTrustIsRefusedByName() throws {
    var fields = FieldListWriter()
    fields.field(0x8001, Sample.fileID(0xdd) as RevisionID)
    fields.field(0x8003, UInt8(7))
    let bytes = try Envelope.encode(
      fields.bytes, kind: .marks, repository: Sample.repository, keys: nil, limitBytes: 1000)
    let error = #expect(throws: FormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("trust 7") == true)
  }

  @Test func aVerificationChecksNoMoreThanThereIs() {
    let mark = VerificationMark(time: 0, checkedChunks: 2, totalChunks: 1)
    #expect(throws: FormatError.self) { try VerificationMark(encoded: mark.encoded()[...]) }
    let early = VerificationMark(time: -1, checkedChunks: 1, totalChunks: 1)
    #expect(throws: FormatError.self) { try VerificationMark(encoded: early.encoded()[...]) }
  }
}

@Suite struct SessionTests {
  @Test(arguments: [SessionRecord.Kind.reading, .writing], [false, true])
  func readsBackUnchanged(_ kind: SessionRecord.Kind, isEncrypted: Bool) throws {
    let keys = isEncrypted ? Sample.keys : nil
    var session = Sample.session
    session.kind = kind
    session.pinned = (0..<100).map { Sample.fileID($0) }
    let bytes = try session.encoded(repository: Sample.repository, keys: keys)
    #expect(
      try SessionRecord(encoded: bytes, repository: Sample.repository, keys: keys) == session)
  }

  @Test func pinsNoMoreThanAReaderLoads() {
    var session = Sample.session
    session.pinned = Array(repeating: Sample.fileID(1), count: 500_000)
    let error = #expect(throws: FormatError.self) {
      try session.encoded(repository: Sample.repository, keys: nil)
    }
    #expect(error?.code == .invalidValue)
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String {
    self + String(repeating: "x", count: count - utf8.count)
  }
}
