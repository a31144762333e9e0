import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import SystemPackage
import TestSupport
import Testing

/// Returns a disk of 40 chunks with incompressible content, and a hole in the middle.
func sampleDisk(seed: UInt64) -> [UInt8] {
  var random = SeededRandom(seed: seed)
  let hole = [UInt8](repeating: 0, count: 10 * 64 << 10)
  return random.bytes(10 * 64 << 10) + hole + random.bytes(20 * 64 << 10)
}

@Suite("Backups")
struct BackupTests {
  @Test("A second backup of the same disk stores no chunk", arguments: [false, true])
  func unchanged(encrypted: Bool) throws {
    let workplace = try Workplace(encrypted: encrypted)
    let disk = try workplace.disk("disk", sampleDisk(seed: 1))
    let first = try workplace.backUp(disk).revision.volumes[0]
    #expect(first.statistics.newChunks == 30)
    #expect(first.statistics.dataBytes == 30 * 64 << 10)
    let second = try workplace.backUp(disk)
    #expect(second.revision.volumes[0].statistics.newChunks == 0)
    #expect(second.storedBytes == 0)
    #expect(second.revision.volumes[0].root == first.root)
  }

  @Test("A few changed bytes take little space", arguments: [false, true])
  func delta(encrypted: Bool) throws {
    let workplace = try Workplace(encrypted: encrypted)
    var bytes = sampleDisk(seed: 2)
    try workplace.backUp(try workplace.disk("disk", bytes))
    for night in 1...3 {
      bytes[5 * 64 << 10 + night * 1000] ^= 0xff
      let report = try workplace.backUp(try workplace.disk("disk", bytes))
      let statistics = report.revision.volumes[0].statistics
      #expect(statistics.newChunks == 1)
      #expect(statistics.deltaChunks == 1)
      #expect(report.storedBytes < 8 << 10)
    }
    let verification = try workplace.verify()
    #expect(verification.isClean)
    #expect(verification.isComplete)
    #expect(verification.checkedChunks == 33)
  }

  @Test("Sizes are exact", arguments: [0, 1, 511, 65_535, 65_536, 65_537, 1_000_003])
  func sizes(count: Int) throws {
    let workplace = try Workplace()
    var random = SeededRandom(seed: UInt64(count))
    let bytes = random.bytes(count)
    let report = try workplace.backUp(try workplace.disk("disk", bytes))
    #expect(report.revision.isUnusual == (count == 0))
    #expect(report.revision.volumes[0].sizeBytes == UInt64(count))
    #expect(try workplace.verify().isClean)
  }

  @Test("A disk of zeros stores nothing")
  func zeros() throws {
    let workplace = try Workplace()
    let report = try workplace.backUp(
      try workplace.disk("disk", Array(repeating: 0, count: 1 << 20)))
    #expect(report.revision.volumes[0].root.isHole)
    #expect(report.storedBytes == 0)
  }

  @Test("Damage is found in the right place", arguments: [false, true])
  func damage(encrypted: Bool) throws {
    let workplace = try Workplace(encrypted: encrypted)
    try workplace.backUp(try workplace.disk("disk", sampleDisk(seed: 3)))
    let pack = try workplace.spoilChunk(3)
    let report = try workplace.verify()
    #expect(report.damages.count == 1)
    #expect(report.damages.first?.offsetBytes == 3 * 64 << 10)
    #expect(report.damages.first?.pack == pack.lastComponent?.string)
    #expect(try workplace.repository.revisions().entries[0].marks.trust == .distrusted)
  }

  @Test("Documents read back unchanged")
  func documents() throws {
    let workplace = try Workplace()
    let document = Array("<domain/>".utf8)
    let report = try workplace.backUp(try workplace.disk("disk", [1, 2, 3])) {
      $0.documents = [BackupRequest.Document(name: "domain.xml", bytes: document)]
    }
    let attachment = try #require(report.revision.attachments.first)
    #expect(try workplace.repository.content(of: attachment) == document)
  }

  @Test(
    "A backup after a distrusted revision stores damaged content again", arguments: [false, true])
  func healing(encrypted: Bool) throws {
    let workplace = try Workplace(encrypted: encrypted)
    let disk = try workplace.disk("disk", sampleDisk(seed: 4))
    try workplace.backUp(disk)
    try workplace.spoilChunk(3)
    #expect(try workplace.backUp(disk).revision.volumes[0].statistics.newChunks == 0)
    #expect(try !workplace.verify().isClean)
    let healing = try workplace.backUp(disk)
    #expect(healing.revision.volumes[0].statistics.newChunks == 1)
    let report = try workplace.verify()
    #expect(report.isClean)
    #expect(report.isComplete)
    #expect(try workplace.repository.revisions().entries.allSatisfy { $0.marks.trust == .verified })
  }

  @Test("A sample has the requested size", arguments: [(1.0, 1), (10.0, 3), (50.0, 15)])
  func sample(percent: Double, expected: UInt64) throws {
    let workplace = try Workplace()
    try workplace.backUp(try workplace.disk("disk", sampleDisk(seed: 5)))
    let report = try workplace.verify(.sample(percent: percent))
    #expect(report.checkedChunks == expected)
    #expect(report.totalChunks == 30)
    #expect(try workplace.repository.revisions().entries[0].marks.trust == .trusted)
  }

  @Test("A sample does not undo a full verification")
  func sampleAfterFull() throws {
    let workplace = try Workplace()
    try workplace.backUp(try workplace.disk("disk", sampleDisk(seed: 6)))
    _ = try workplace.verify()
    _ = try workplace.verify(.sample(percent: 10))
    let marks = try workplace.repository.revisions().entries[0].marks
    #expect(marks.trust == .verified)
    #expect(marks.verification?.checkedChunks == 30)
  }

  @Test("A missing pack is reported once, not for each of its chunks")
  func adjoiningDamage() throws {
    let workplace = try Workplace()
    try workplace.backUp(try workplace.disk("disk", sampleDisk(seed: 9)))
    try POSIXFileSystem().remove(try #require(try workplace.packs("data").first))
    let report = try workplace.verify()
    let chunk: UInt64 = 64 << 10
    #expect(report.damages.map(\.offsetBytes) == [0, 20 * chunk])
    #expect(report.damages.map(\.lengthBytes) == [10 * chunk, 20 * chunk])
    #expect(report.damages.map(\.count) == [10, 20])
    #expect(report.totalChunks - report.checkedChunks == 30)
  }
}
