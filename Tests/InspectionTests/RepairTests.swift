import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Inspection
import SystemPackage
import TestSupport
import Testing
import Workers

@Suite("Repair from another repository")
struct RepairTests {
  private func repair(
    _ place: InspectedPlace, from other: FilePath, isDryRun: Bool = false
  ) throws -> RepairReport {
    let repository = try place.open()
    return try Repair(
      repository: repository,
      from: try Repository.open(
        at: other, environment: place.workplace.environment, sharing: repository.keys),
      isDryRun: isDryRun, context: place.workplace.context
    ).run()
  }

  /// Creates a revision in which chunk 2 is a delta.
  private func backUpDelta(_ place: InspectedPlace) throws {
    var changed = place.bytes
    changed[2 * InspectedPlace.chunkBytes + 99] ^= 0xff
    let newest = try place.workplace.backUp(try place.workplace.disk("disk", changed))
    #expect(newest.revision.volumes[0].statistics.deltaChunks == 1)
  }

  /// Damages a record of the data pack, in the repository and in a copy of it.
  private func damage(record: Int, of place: InspectedPlace, and copy: FilePath) throws {
    let pack = try place.dataPack()
    let name = pack.lastComponent!.string
    let offset = place.contentOffset(ofRecord: record)
    try place.flip(pack, at: offset + 1)
    try place.flip(copy.appending("packs/data/\(name.prefix(2))/\(name)"), at: offset + 2)
  }

  @Test("Damaged chunks and nodes are restored from a copy", arguments: [false, true])
  func damaged(encrypted: Bool) throws {
    let place = try InspectedPlace(encrypted: encrypted)
    let copy = try place.copy(to: "copy")
    for number in [2, 3, 9] {
      try place.flip(try place.dataPack(), at: place.contentOffset(ofRecord: number) + 77)
    }
    #expect(try !place.verify().isClean)
    for pack in try place.workplace.packs("maps") { try place.flip(pack, at: 64 + 72 + 50) }
    #expect(try !place.verify().isClean)
    let dry = try repair(place, from: copy, isDryRun: true)
    #expect(dry.healedRecords == 3 + 2)
    #expect(dry.isComplete)
    #expect(dry.verification == nil)
    #expect(try place.open().revisions().entries.allSatisfy { $0.marks.trust == .distrusted })
    let report = try repair(place, from: copy)
    #expect(report.healedRecords == 5)
    #expect(report.isComplete)
    #expect(report.revisions.count == 3)
    #expect(try place.open().revisions().entries.allSatisfy { $0.marks.trust == .verified })
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
    let again = try repair(place, from: copy)
    #expect(again.healedRecords == 0)
    // The damaged packs were moved aside, because none of their records is needed any more.
    #expect(again.healedElsewhere == 0)
    #expect(try place.inspect(place.open(freshIndex: true)).isClean)
    #expect(again.revisions.isEmpty)
  }

  @Test("A repository with another chunk size is refused")
  func otherChunkSize() throws {
    let place = try InspectedPlace()
    let other = try Workplace(chunkSizeBytes: 2 * InspectedPlace.chunkBytes, inMemory: true)
    let error = #expect(throws: StoreError.self) {
      try repair(place, from: other.repository.root)
    }
    #expect(error?.code == .invalidRequest)
    #expect(error?.message.contains("131072") == true)
  }

  /// Both the delta and its base are known to be damaged. The base alone would not restore the
  /// delta.
  @Test("A damaged delta is restored, and not only its base")
  func damagedDelta() throws {
    let place = try InspectedPlace()
    try backUpDelta(place)
    let copy = try place.copy(to: "copy")
    let sizes = try place.workplace.packs("data").map {
      ($0, try place.files.metadata(of: $0).sizeBytes)
    }
    let deltas = try #require(sizes.min { $0.1 < $1.1 }).0
    try place.flip(deltas, at: 64 + 72 + 10)
    #expect(try place.verify().damageCount == 1)
    try place.flip(try place.dataPack(), at: place.contentOffset(ofRecord: 2) + 77)
    #expect(try place.verify().quarantined == 1)
    let report = try repair(place, from: copy)
    #expect(report.isComplete)
    #expect(report.healedRecords == 2)
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
    #expect(try place.open().revisions().entries.allSatisfy { $0.marks.trust == .verified })
  }

  @Test("Damage under a damaged node is found and repaired too")
  func damagedBelowDamage() throws {
    let place = try InspectedPlace()
    let copy = try place.copy(to: "copy")
    try place.flip(try place.dataPack(), at: place.contentOffset(ofRecord: 4) + 77)
    for pack in try place.workplace.packs("maps") { try place.flip(pack, at: 64 + 72 + 50) }
    #expect(try !place.verify().isClean)
    let report = try repair(place, from: copy)
    #expect(report.isComplete)
    #expect(report.healedRecords == 3)
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
  }

  @Test("The records of missing packs are restored, those of maps too", arguments: [false, true])
  func missing(encrypted: Bool) throws {
    let place = try InspectedPlace(encrypted: encrypted)
    let copy = try place.copy(to: "copy")
    for kind in ["data", "maps"] {
      for pack in try place.workplace.packs(kind) { try place.files.remove(pack) }
    }
    let report = try repair(place, from: copy)
    #expect(report.isComplete)
    #expect(report.healedRecords == 12 + 4 + 1 + 2)
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
  }

  @Test("Any other repository with the same content works if neither is encrypted")
  func otherRepository() throws {
    let place = try InspectedPlace()
    let other = try InspectedPlace()
    try place.files.remove(try place.dataPack())
    let report = try repair(place, from: other.root)
    #expect(report.isComplete)
    #expect(report.healedRecords == 12)
  }

  @Test("Content that neither repository has is reported with its bytes")
  func lostInBoth() throws {
    let place = try InspectedPlace()
    let copy = try place.copy(to: "copy")
    try damage(record: 5, of: place, and: copy)
    _ = try place.verify()
    let report = try repair(place, from: copy)
    #expect(!report.isComplete)
    #expect(report.healedRecords == 0)
    #expect(
      report.losses.losses.map(\.offsetBytes)
        == [5, 5].map { $0 * UInt64(InspectedPlace.chunkBytes) })
  }

  @Test("An intact delta stays unreadable if neither repository has its base")
  func baseLostInBoth() throws {
    let place = try InspectedPlace()
    try backUpDelta(place)
    let copy = try place.copy(to: "copy")
    try damage(record: 2, of: place, and: copy)
    _ = try place.verify()
    let report = try repair(place, from: copy)
    #expect(!report.isComplete)
    #expect(report.healedRecords == 0)
    // Once in each of the two older revisions, and once in the revision with the delta.
    #expect(report.losses.losses.count == 3)
  }

  @Test("Content with another id is refused, even if its checksums are right")
  func forged() throws {
    let place = try InspectedPlace()
    let copy = try place.copy(to: "copy")
    let other = try Repository.open(
      at: copy, environment: place.workplace.environment, sharing: nil)
    let chunk = place.bytes[5 * InspectedPlace.chunkBytes..<6 * InspectedPlace.chunkBytes]
    let id = try chunk.withUnsafeBytes { try ContentHasher(idKey: nil).id(of: $0, type: .chunk) }
    let writing = try other.beginWriting(
      "test", pinned: [], context: .testing())
    defer { writing.end() }
    let record = try Array(chunk.reversed()).withUnsafeBytes {
      try PreparedRecord(
        standalone: $0, id: id, type: .chunk, compressor: try Compressor(method: .none))
    }
    try writing.writer.append(record, isReplacement: true)
    try writing.writer.flush()
    let name = try place.dataPack().lastComponent!.string
    try place.files.remove(copy.appending("packs/data/\(name.prefix(2))/\(name)"))
    try place.flip(try place.dataPack(), at: place.contentOffset(ofRecord: 5) + 1)
    _ = try place.verify()
    let report = try repair(place, from: copy)
    #expect(report.healedRecords == 0)
    #expect(!report.isComplete)
  }

  @Test("The base of several deltas is restored once")
  func bases() throws {
    let place = try InspectedPlace()
    var bytes = place.bytes
    for night in 1...3 {
      bytes[2 * InspectedPlace.chunkBytes + night * 100] ^= 0xff
      try place.workplace.backUp(try place.workplace.disk("night", bytes))
    }
    let copy = try place.copy(to: "copy")
    try place.flip(try place.dataPack(), at: place.contentOffset(ofRecord: 2) + 77)
    _ = try place.verify()
    let report = try repair(place, from: copy)
    #expect(report.isComplete)
    #expect(report.healedBytes == UInt64(InspectedPlace.chunkBytes))
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
  }

  @Test("Content with other ids is refused")
  func otherKeys() throws {
    let (plain, sealed) = (try InspectedPlace(), try InspectedPlace(encrypted: true))
    let stranger = try InspectedPlace(encrypted: true)
    for (place, other) in [(plain, sealed), (sealed, plain), (sealed, stranger)] {
      let error = #expect(throws: StoreError.self) { try repair(place, from: other.root) }
      #expect(error?.code == .wrongKey)
    }
  }
}
