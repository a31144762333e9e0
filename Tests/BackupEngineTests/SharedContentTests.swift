import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import SystemPackage
import TestSupport
import Testing
import VolumeMap
import VolumeReader

@Suite("Verification of shared content")
struct SharedContentTests {
  private static let chunkBytes = 64 << 10

  /// Creates three revisions for each of two jobs, all of one unchanged disk.
  private func sharedDisk() throws -> Workplace {
    let workplace = try Workplace()
    let disk = try workplace.disk("disk", sampleDisk(seed: 11))
    for _ in 0..<3 {
      try workplace.backUp(disk)
      try workplace.backUp(disk, job: "db01")
    }
    return workplace
  }

  private func marks(_ workplace: Workplace) throws -> [RevisionMarks] {
    try workplace.repository.revisions().entries.map(\.marks)
  }

  @Test("Each chunk is read once, and every revision is marked")
  func once() throws {
    let workplace = try sharedDisk()
    let report = try workplace.verify()
    #expect(report.isClean && report.isComplete)
    #expect(report.checkedChunks == 30)
    #expect(report.checkedBytes == UInt64(30 * Self.chunkBytes))
    #expect(report.revisions == 6)
    let marks = try marks(workplace)
    #expect(marks.allSatisfy { $0.trust == .verified && $0.verification?.checkedChunks == 30 })
  }

  @Test("A sample of several jobs is a share of their distinct chunks", arguments: [10.0, 50, 90])
  func sample(percent: Double) throws {
    let workplace = try sharedDisk()
    let report = try workplace.verify(.sample(percent: percent))
    #expect(report.totalChunks == 30)
    #expect(report.checkedChunks == UInt64(30 * percent / 100))
    let marks = try marks(workplace)
    #expect(marks.allSatisfy { $0.trust == .trusted })
    // Each revision has all of these chunks.
    #expect(marks.allSatisfy { $0.verification?.checkedChunks == report.checkedChunks })
    #expect(marks.allSatisfy { $0.verification?.totalChunks == 30 })
  }

  @Test("A damaged chunk is reported once, and all revisions that contain it are distrusted")
  func damage() throws {
    let workplace = try sharedDisk()
    try workplace.spoilChunk(3)
    var other = sampleDisk(seed: 12)
    other.removeLast(5)
    try workplace.backUp(try workplace.disk("other", other), job: "other")
    let report = try workplace.verify()
    #expect(report.damageCount == 1)
    #expect(report.damages.first?.revisionCount == 6)
    let entries = try workplace.repository.revisions().entries
    for entry in entries where entry.revision.job != "other" {
      #expect(entry.marks.trust == .distrusted)
      #expect(entry.marks.verification?.damagedChunks == 1)
      #expect(entry.marks.verification?.checkedChunks == 29)
    }
    #expect(entries.last?.marks.trust == .verified)
    #expect(entries.last?.marks.verification?.damagedChunks == 0)
  }

  @Test("A damaged map node is reported once, and all revisions that contain it are distrusted")
  func damagedNode() throws {
    let workplace = try sharedDisk()
    let map = try #require(try workplace.packs("maps").first)
    let file = try POSIXFileSystem().openFile(map, for: .readingAndWriting)
    try [0xaa, 0xaa].withUnsafeBytes { try file.write($0, at: 64 + 72 + 40) }
    file.close()
    let report = try workplace.verify()
    #expect(report.damageCount == 1)
    #expect(report.damages.first?.revisionCount == 6)
    #expect(try marks(workplace).allSatisfy { $0.trust == .distrusted })
  }

  /// The map has several leaves. Two revisions share the first leaf.
  @Test(
    "A damaged leaf of a map is reported for every revision that has it", arguments: [false, true])
  func damagedSharedLeaf(wasFoundBefore: Bool) throws {
    let workplace = try Workplace()
    var random = SeededRandom(seed: 16)
    let chunk = random.bytes(Self.chunkBytes)
    var bytes = (0..<255).flatMap { _ in chunk } + random.bytes(2 * Self.chunkBytes)
    try workplace.backUp(try workplace.disk("disk", bytes))
    bytes[bytes.count - 1] ^= 0xff
    let second = try workplace.backUp(try workplace.disk("disk", bytes))
    try spoilFirstLeaf(of: second.revision, in: workplace)
    let unharmed = try workplace.backUp(
      try workplace.disk("other", random.bytes(Self.chunkBytes)), job: "other")
    if wasFoundBefore {
      #expect(try workplace.verify(only: second.id).damageCount == 1)
      #expect(try workplace.repository.revision(second.id).marks.trust == .distrusted)
    }
    let report = try workplace.verify()
    #expect(report.damageCount == 1)
    #expect(report.damages.first?.revisionCount == 2)
    #expect(report.damages.first?.offsetBytes == 0)
    #expect(report.damages.first?.lengthBytes == UInt64(256 * Self.chunkBytes))
    for entry in try workplace.repository.revisions().entries {
      let isHarmed = entry.id != unharmed.id
      #expect(entry.marks.trust == (isHarmed ? .distrusted : .verified))
      #expect(entry.marks.verification?.damagedChunks == (isHarmed ? 1 : 0))
    }
  }

  private func spoilFirstLeaf(of revision: Revision, in workplace: Workplace) throws {
    let reader = try RecordReader(store: workplace.repository.records)
    let root = try MapNode(
      encoded: try reader.read(revision.volumes[0].root, type: .mapNode))
    try spoil(root.children[0], in: "maps", of: workplace)
  }

  /// Changes some bytes near the end of a record.
  private func spoil(_ id: ContentID, in kind: String, of workplace: Workplace) throws {
    let copy = try #require(try workplace.repository.records.copies(of: id).first)
    let path = try #require(
      try workplace.packs(kind).first { $0.lastComponent?.string == "\(copy.pack.id)" })
    let file = try POSIXFileSystem().openFile(path, for: .readingAndWriting)
    defer { file.close() }
    try [0xaa, 0xaa].withUnsafeBytes {
      try file.write($0, at: copy.entry.rangeInPack.upperBound - 20)
    }
  }

  @Test("A damaged document is reported for every revision that contains it")
  func damagedDocument() throws {
    let workplace = try Workplace()
    let disk = try workplace.disk("disk", sampleDisk(seed: 17))
    let document = Array("<domain><name>web01</name><memory>4096</memory></domain>".utf8)
    for _ in 0..<2 {
      try workplace.backUp(disk) {
        $0.documents = [BackupRequest.Document(name: "domain.xml", bytes: document)]
      }
    }
    let without = try workplace.backUp(disk, job: "other")
    let entries = try workplace.repository.revisions().entries
    let attachment = try #require(entries.first?.revision.attachments.first)
    try spoil(try #require(attachment.chunks.first), in: "data", of: workplace)
    let report = try workplace.verify()
    #expect(report.damageCount == 1)
    #expect(report.damages.first?.name == "domain.xml")
    #expect(report.damages.first?.revisionCount == 2)
    for entry in try workplace.repository.revisions().entries {
      let isHarmed = entry.id != without.id
      #expect(entry.marks.trust == (isHarmed ? .distrusted : .verified))
      #expect(entry.marks.verification?.damagedChunks == (isHarmed ? 1 : 0))
    }
  }

  @Test("A chunk that fills a volume is read once")
  func repeated() throws {
    let workplace = try Workplace()
    var random = SeededRandom(seed: 13)
    let chunk = random.bytes(Self.chunkBytes)
    // The last chunk of the volume is only a part of this chunk, so it is a different chunk.
    let bytes = (0..<600).flatMap { _ in chunk } + chunk.prefix(1000)
    try workplace.backUp(try workplace.disk("disk", bytes))
    let report = try workplace.verify()
    #expect(report.isClean && report.isComplete)
    #expect(report.checkedChunks == 2)
    #expect(try marks(workplace).first?.verification?.checkedChunks == 601)
    #expect(try marks(workplace).first?.trust == .verified)
  }

  @Test("Damage of a chunk that fills a volume is reported as one place")
  func repeatedDamage() throws {
    let workplace = try Workplace()
    var random = SeededRandom(seed: 14)
    let chunk = random.bytes(Self.chunkBytes)
    try workplace.backUp(try workplace.disk("disk", (0..<600).flatMap { _ in chunk }))
    try workplace.spoilChunk(0)
    let report = try workplace.verify()
    #expect(report.damageCount == 1)
    #expect(report.checkedChunks == 0)
    let mark = try #require(try marks(workplace).first?.verification)
    #expect((mark.checkedChunks, mark.damagedChunks) == (0, 600))
  }

  @Test("A sample of a single chunk has one chunk for every share")
  func tinySample() throws {
    let workplace = try Workplace()
    var random = SeededRandom(seed: 15)
    let chunk = random.bytes(Self.chunkBytes)
    try workplace.backUp(try workplace.disk("disk", (0..<600).flatMap { _ in chunk }))
    let report = try workplace.verify(.sample(percent: 0.001))
    #expect(report.checkedChunks == 1)
    #expect(report.totalChunks == 1)
  }

  /// Collects all chunks of a map.
  private struct Chunks: MapVisitor {
    var ids: [ContentID] = []
    mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }
    mutating func visit(chunk id: ContentID, number: ChunkNumber) { ids.append(id) }
  }

  @Test("Chunks beyond the memory limit are remembered by their numbers")
  func metChunks() throws {
    let workplace = try sharedDisk()
    let volume = try workplace.repository.revisions().entries[0].revision.volumes[0]
    var chunks = Chunks()
    try workplace.repository.map(of: volume).walk(
      reading: workplace.repository.nodeReader, &chunks)
    let met = MetChunks(of: workplace.repository.records, limit: 4)
    for (number, id) in chunks.ids.enumerated() {
      #expect(met[id] == nil)
      try met.note(id, number % 2 == 0)
    }
    for (number, id) in chunks.ids.enumerated() { #expect(met[id] == (number % 2 == 0)) }
    try met.note(chunks.ids[0], false)
    #expect(met[chunks.ids[0]] == false)
  }
}
