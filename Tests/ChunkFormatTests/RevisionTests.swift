import CalendarTime
import Testing

@testable import ChunkFormat

@Suite struct RevisionTests {
  @Test(arguments: [false, true]) func readsBackUnchanged(isEncrypted: Bool) throws {
    let keys = isEncrypted ? Sample.keys : nil
    let bytes = try Sample.revision.encoded(repository: Sample.repository, keys: keys)
    let decoded = try Revision(encoded: bytes, repository: Sample.repository, keys: keys)
    #expect(decoded == Sample.revision)
  }

  @Test func needsNoParentTagsOrAttachments() throws {
    var revision = Sample.revision
    revision.parent = nil
    revision.tags = []
    revision.attachments = []
    let bytes = try revision.encoded(repository: Sample.repository, keys: nil)
    #expect(try Revision(encoded: bytes, repository: Sample.repository, keys: nil) == revision)
  }

  @Test func aVolumeIsFoundByNameOrAsTheOnlyOne() {
    var revision = Sample.revision
    #expect(revision.volume(named: nil)?.name == "vda")
    #expect(revision.volume(named: "vdb") == nil)
    revision.volumes.append(RevisionVolume(other: "vdb"))
    #expect(revision.volume(named: nil) == nil)
    #expect(revision.volume(named: "vdb")?.name == "vdb")
  }

  struct Defect: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let make: @Sendable (inout Revision) -> Void
  }

  static let defects = [
    Defect(testDescription: "job name") { $0.job = "a/b" },
    Defect(testDescription: "tag") { $0.tags = ["a b"] },
    Defect(testDescription: "volume name") { $0.volumes[0].name = "" },
    Defect(testDescription: "no volume") { $0.volumes = [] },
    Defect(testDescription: "two volumes of one name") { $0.volumes.append($0.volumes[0]) },
    Defect(testDescription: "volume too large") { $0.volumes[0].sizeBytes = (1 << 62) + 1 },
    Defect(testDescription: "map of nothing") { $0.volumes[0].sizeBytes = 0 },
    Defect(testDescription: "before 1970") { $0.created = .earliest },
    Defect(testDescription: "two attachments of one name") {
      $0.attachments.append($0.attachments[0])
    },
    Defect(testDescription: "attachment above") { $0.attachments[0].name = ".." },
    Defect(testDescription: "attachment elsewhere") {
      $0.attachments[0].name = "..\u{2f}\u{301}/etc/passwd"
    },
    Defect(testDescription: "attachment too large") {
      $0.attachments[0].sizeBytes = Attachment.maximumBytes + 1
    },
    Defect(testDescription: "attachment with a hole") { $0.attachments[0].chunks = [.hole] },
    Defect(testDescription: "attachment without chunks") { $0.attachments[0].chunks = [] },
    Defect(testDescription: "attachment with chunks of nothing") {
      $0.attachments[0].chunks += [Sample.id(1), Sample.id(2)]
    },
  ]

  /// A revision that a reader would have to refuse is not written.
  @Test(arguments: defects) func isNotWritten(with defect: Defect) {
    var revision = Sample.revision
    defect.make(&revision)
    let error = #expect(throws: FormatError.self) {
      try revision.encoded(repository: Sample.repository, keys: nil)
    }
    #expect(error?.code == .invalidValue)
  }

  /// If another program wrote such a revision, reading it reports damage.
  @Test(arguments: defects) func isNotRead(with defect: Defect) throws {
    var revision = Sample.revision
    defect.make(&revision)
    let bytes = try Envelope.encode(
      revision.fields(), kind: .revision, repository: Sample.repository, keys: nil,
      limitBytes: Revision.maximumFileBytes)
    let error = #expect(throws: FormatError.self) {
      try Revision(encoded: bytes, repository: Sample.repository, keys: nil)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func anEmptyDiskHasNoMap() throws {
    var revision = Sample.revision
    revision.volumes[0].sizeBytes = 0
    revision.volumes[0].root = .hole
    let bytes = try revision.encoded(repository: Sample.repository, keys: nil)
    #expect(try Revision(encoded: bytes, repository: Sample.repository, keys: nil) == revision)
  }

  @Test func isNoLargerThanAReaderLoads() {
    var revision = Sample.revision
    revision.host = String(repeating: "h", count: Revision.maximumFileBytes)
    let error = #expect(throws: FormatError.self) {
      try revision.encoded(repository: Sample.repository, keys: nil)
    }
    #expect(error?.code == .invalidValue)
  }

  @Test func aSecondParentIsDamage() throws {
    var fields = FieldListWriter()
    fields.field(4, Sample.fileID(1) as RevisionID)
    let bytes = try Envelope.encode(
      Sample.revision.fields() + fields.bytes, kind: .revision, repository: Sample.repository,
      keys: nil, limitBytes: Revision.maximumFileBytes)
    let error = #expect(throws: FormatError.self) {
      try Revision(encoded: bytes, repository: Sample.repository, keys: nil)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func laterProgramsMayAppendStatistics() throws {
    let values = Sample.volume.statistics.encoded() + [1, 2, 3, 4, 5, 6, 7, 8]
    #expect(try VolumeStatistics(encoded: values[...]) == Sample.volume.statistics)
  }

  @Test func statisticsAddUpWithoutTrapping() {
    var sum = VolumeStatistics()
    sum.readBytes = .max
    sum += Sample.volume.statistics
    #expect(sum.knownChunks == 7)
  }
}

extension RevisionVolume {
  fileprivate init(other name: String) {
    self = Sample.volume
    self.name = name
  }
}
