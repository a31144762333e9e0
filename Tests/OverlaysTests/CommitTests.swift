import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import TestSupport
import Testing
import VolumeSources

@testable import Overlays

@Suite("Committing an overlay")
struct CommitTests {
  private static let chunk = MemoryVolume.chunkBytes
  private let place: Workplace
  private let entry: RevisionEntry
  private let bytes: [UInt8]
  private let store: OverlayStore

  init() throws {
    place = try Workplace(inMemory: true)
    var random = SeededRandom(seed: 4)
    bytes = MemoryVolume.content(count: 40 * Self.chunk + 5001, using: &random)
    entry = try place.backUp(("vda", bytes), ("vdb", [1, 2, 3]), document: "domain.xml")
    store = try place.store()
    try store.create("repair", on: entry)
  }

  @Test("the new revision has what clients saw, and the overlay's revision as parent")
  func commit() throws {
    let overlay = try store.open("repair")
    let volume = try place.volume("vda", of: overlay)
    var expected = bytes
    for (offset, count) in [
      (10, 1), (5 * Self.chunk - 3, 6), (13 * Self.chunk, Self.chunk), (bytes.count - 1, 1),
    ] {
      let new = [UInt8](repeating: 0xc7, count: count)
      try volume.write(new, at: UInt64(offset))
      expected.replaceSubrange(offset..<offset + count, with: new)
    }
    let hole = 20 * Self.chunk + 100..<23 * Self.chunk
    try volume.zero(UInt64(hole.lowerBound)..<UInt64(hole.upperBound), mayTrim: true)
    expected.replaceSubrange(hole, with: repeatElement(0, count: hole.count))
    var request = try overlay.commitRequest(job: nil, program: "test")
    request.tags = ["repaired"]
    let made = try place.run(request)
    #expect(made.revision.job == "web01")
    #expect(made.revision.parent == entry.id)
    #expect(made.marks.tags == ["repaired"])
    #expect(made.marks.trust == .verified)
    #expect(try place.bytes(of: "vda", in: made) == expected)
    #expect(try place.bytes(of: "vdb", in: made) == [1, 2, 3])
    #expect(
      try made.revision.attachments.map { try place.repository.content(of: $0) }
        == [Array("domain.xml".utf8)])
    #expect(try place.bytes(of: "vda", in: entry) == bytes)
    try expectSameAsAFullBackup(made, expected)
  }

  /// Compares with the map and the statistics of a full backup of the same bytes.
  private func expectSameAsAFullBackup(_ made: RevisionEntry, _ expected: [UInt8]) throws {
    let full = try place.backUp(("vda", expected), ("vdb", [1, 2, 3]))
    for name in ["vda", "vdb"] {
      let (left, right) = (
        try #require(made.revision.volume(named: name)),
        try #require(full.revision.volume(named: name))
      )
      #expect(left.root == right.root)
      #expect(left.statistics.dataBytes == right.statistics.dataBytes)
      #expect(
        left.statistics.knownChunks + left.statistics.newChunks
          == right.statistics.knownChunks + right.statistics.newChunks)
    }
  }

  @Test("only chunks with writes are read, and are stored as deltas")
  func cost() throws {
    let overlay = try store.open("repair")
    try place.volume("vda", of: overlay).write([1, 2, 3], at: UInt64(6 * Self.chunk + 77))
    let made = try place.run(try overlay.commitRequest(job: nil, program: "test"))
    let statistics = made.revision.volumes[0].statistics
    #expect(statistics.readBytes == UInt64(Self.chunk))
    #expect(statistics.newChunks == 1)
    #expect(statistics.deltaChunks == 1)
    #expect(statistics.storedBytes < 2000)
    #expect(made.revision.volumes[1].statistics.readBytes == 0)
  }

  @Test("an overlay without changes produces an equal revision")
  func unchanged() throws {
    let overlay = try store.open("repair")
    let made = try place.run(try overlay.commitRequest(job: "other", program: "test"))
    #expect(made.revision.job == "other")
    #expect(made.revision.parent == entry.id)
    #expect(made.revision.volumes.map(\.root) == entry.revision.volumes.map(\.root))
    #expect(made.revision.volumes.allSatisfy { $0.statistics.readBytes == 0 })
    #expect(
      made.revision.volumes.map(\.statistics.dataBytes)
        == entry.revision.volumes.map(\.statistics.dataBytes))
  }

  @Test("the parent is the overlay's revision even if the job has newer ones")
  func branch() throws {
    let newer = try place.backUp(("vda", [5, 5, 5]), ("vdb", []))
    let overlay = try store.open("repair")
    try place.volume("vda", of: overlay).write([1], at: 0)
    let made = try place.run(try overlay.commitRequest(job: nil, program: "test"))
    #expect(made.revision.parent == entry.id)
    #expect(made.revision.parent != newer.id)
    #expect(try place.bytes(of: "vda", in: made) == [1] + bytes.dropFirst())
  }

  @Test("nothing is reused from a distrusted revision")
  func distrusted() throws {
    try place.repository.updateMarks(of: entry.id) { $0.trust = .distrusted }
    let overlay = try store.open("repair")
    try place.volume("vda", of: overlay).write([1], at: 0)
    let made = try place.run(try overlay.commitRequest(job: nil, program: "test"))
    #expect(made.revision.volumes[0].statistics.readBytes >= UInt64(bytes.count * 2 / 3))
    #expect(try place.bytes(of: "vda", in: made) == [1] + bytes.dropFirst())
  }

  @Test("removing an open overlay closes it")
  func removal() throws {
    let overlay = try store.open("repair")
    try place.volume("vda", of: overlay).write([1], at: 0)
    try store.remove(overlay)
    #expect(try store.list().isEmpty)
    try store.create("repair", on: entry)
    let again = try store.open("repair")
    #expect(try place.volume("vda", of: again).bytes(0..<10) == Array(bytes[..<10]))
  }

  @Test("as a source, an overlay reports data, holes and unchanged ranges in order")
  func source() throws {
    let overlay = try store.open("repair")
    let volume = try place.volume("vda", of: overlay)
    try volume.write([1], at: 4096)
    try volume.trim(8192..<16_384)
    let source = OverlaySource(name: "x", volume: volume)
    #expect(source.sizeBytes == UInt64(bytes.count))
    #expect(try source.unchangedEnd(from: 0) == 4096)
    #expect(try source.unchangedEnd(from: 4096) == nil)
    #expect(
      try source.nextExtent(at: 4096)
        == SourceExtent(offsetBytes: 4096, lengthBytes: 4096, isHole: false))
    #expect(
      try source.nextExtent(at: 8192)
        == SourceExtent(offsetBytes: 8192, lengthBytes: 8192, isHole: true))
    #expect(try source.unchangedEnd(from: 16_384) == UInt64(bytes.count))
    #expect(try source.unchangedEnd(from: UInt64(bytes.count)) == nil)
    #expect(try source.nextExtent(at: UInt64(bytes.count)) == nil)
    var buffer = [UInt8](repeating: 0xee, count: 20_000)
    let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0, at: 0) }
    #expect(count == 20_000)
    #expect(try buffer == volume.bytes(0..<20_000))
    let end = UInt64(bytes.count) - 5
    #expect(try buffer.withUnsafeMutableBytes { try source.read(into: $0, at: end) } == 5)
  }
}
