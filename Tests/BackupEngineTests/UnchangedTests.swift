import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import Workers

/// A source in memory that knows which of its ranges are the same as in an older version.
private final class KnowingSource: VolumeSource {
  let name = "memory"
  let kind = VolumeSourceKind.overlay
  let canBeReadAgain = true
  private let bytes: [UInt8]
  /// The changed ranges, ascending and not adjacent.
  private let changes: [Range<Int>]
  private let read = Mutex(0)

  init(_ bytes: [UInt8], changes: [Range<Int>]) {
    self.bytes = bytes
    self.changes = changes
  }

  var sizeBytes: UInt64? { UInt64(bytes.count) }
  var readBytes: Int { read.withLock { $0 } }

  func nextExtent(at offsetBytes: UInt64) -> SourceExtent? {
    let offset = Int(offsetBytes)
    guard offset < bytes.count else { return nil }
    let change = changes.first { $0.upperBound > offset }
    let end = change.map { $0.contains(offset) ? $0.upperBound : $0.lowerBound } ?? bytes.count
    let isHole = bytes[offset..<end].allSatisfy { $0 == 0 }
    return SourceExtent(
      offsetBytes: offsetBytes, lengthBytes: UInt64(end - offset), isHole: isHole)
  }

  func unchangedEnd(from offsetBytes: UInt64) -> UInt64? {
    let offset = Int(offsetBytes)
    guard offset < bytes.count, !changes.contains(where: { $0.contains(offset) }) else {
      return nil
    }
    return UInt64(changes.first { $0.lowerBound > offset }?.lowerBound ?? bytes.count)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64) -> Int {
    let count = min(buffer.count, bytes.count - Int(offsetBytes))
    read.withLock { $0 += count }
    bytes.withUnsafeBytes {
      _ = memcpy(buffer.baseAddress!, $0.baseAddress! + Int(offsetBytes), count)
    }
    return count
  }

  func finish() {}
}

@Suite("Unchanged parts of a source")
struct UnchangedTests {
  private static let chunkBytes = 64 << 10
  private let place: Workplace

  init() throws { place = try Workplace(inMemory: true) }

  private func backUp(
    _ source: KnowingSource, on parent: RevisionID?
  ) throws -> RevisionVolume {
    var request = BackupRequest(
      job: "web01", volumes: [BackupRequest.Volume(name: "disk", source: source)], program: "test")
    request.parent = parent
    request.verification = .none
    return try Backup(
      repository: place.repository, request: request, context: place.context
    ).run().revision.volumes[0]
  }

  /// Changes ranges of any alignment, some of them to zeros.
  private func change(
    _ bytes: inout [UInt8], using random: inout SeededRandom
  ) -> [Range<Int>] {
    var changes: [Range<Int>] = []
    var offset = Int.random(in: 0..<200_000, using: &random)
    while offset < bytes.count {
      let longest = [1, 700, 64 << 10, 200_000].randomElement(using: &random)!
      let end = min(bytes.count, offset + Int.random(in: 1...longest, using: &random))
      let isZero = Int.random(in: 0..<3, using: &random) == 0
      bytes.replaceSubrange(
        offset..<end,
        with: isZero ? [UInt8](repeating: 0, count: end - offset) : random.bytes(end - offset))
      changes.append(offset..<end)
      offset = end + Int.random(in: 1..<400_000, using: &random)
    }
    return changes
  }

  @Test("the revision and its statistics equal those of a full backup", arguments: 0..<6)
  func sameAsFull(round: UInt64) throws {
    var random = SeededRandom()
    // In the last rounds, the volume ends with a whole chunk.
    var bytes = random.bytes(32 * Self.chunkBytes + (round < 4 ? 777 : 0))
    bytes.replaceSubrange(500_000..<900_000, with: repeatElement(0, count: 400_000))
    let first = try place.backUp(try place.disk("first", bytes))
    let changes = change(&bytes, using: &random)
    let source = KnowingSource(bytes, changes: changes)
    let made = try backUp(source, on: first.id)
    let full = try place.backUp(try place.disk("second", bytes), job: "full")
    #expect(made.root == full.revision.volumes[0].root, "\(random)")
    let (figures, expected) = (made.statistics, full.revision.volumes[0].statistics)
    #expect(figures.dataBytes == expected.dataBytes, "\(random)")
    #expect(
      figures.knownChunks + figures.newChunks == expected.knownChunks + expected.newChunks,
      "\(random)")
    let limit = changes.reduce(0) { $0 + $1.count + 2 * Self.chunkBytes }
    #expect(source.readBytes <= limit, "\(random)")
  }

  @Test(
    "they are reused only if the request names the parent and the size is equal")
  func takenOnlyFromItsParent() throws {
    var random = SeededRandom(seed: 3)
    let bytes = random.bytes(4 * Self.chunkBytes)
    let first = try place.backUp(try place.disk("first", bytes))
    let nameless = KnowingSource(bytes, changes: [])
    #expect(try backUp(nameless, on: nil).root == first.revision.volumes[0].root)
    #expect(nameless.readBytes == bytes.count)
    let longer = KnowingSource(bytes + [1], changes: [])
    let made = try backUp(longer, on: first.id)
    #expect(longer.readBytes == bytes.count + 1)
    #expect(made.sizeBytes == UInt64(bytes.count + 1))
    let known = KnowingSource(bytes, changes: [])
    #expect(try backUp(known, on: first.id).root == first.revision.volumes[0].root)
    #expect(known.readBytes == 0)
  }

  /// Content that is reused without reading could be the damaged content.
  @Test("unchanged parts are read if the store has known damage, which is then repaired")
  func readWhereDamageIsKnown() throws {
    var random = SeededRandom(seed: 4)
    let bytes = random.bytes(4 * Self.chunkBytes)
    let first = try place.backUp(try place.disk("first", bytes))
    try place.spoilChunk(2)
    #expect(try place.verify().quarantined == 1)
    // The test marks the revision as trusted despite the damage.
    try place.repository.updateMarks(of: first.id) { $0.promote() }
    let source = KnowingSource(bytes, changes: [])
    #expect(try backUp(source, on: first.id).statistics.newChunks == 1)
    #expect(source.readBytes == bytes.count)
    #expect(try place.verify().damageCount == 0)
  }

  @Test("a deleted parent is an error, and no revision is created")
  func parentGone() throws {
    let bytes = [UInt8](repeating: 1, count: 1000)
    let first = try place.backUp(try place.disk("first", bytes))
    let path = place.repository.root.appending("revisions").appending("\(first.id)")
    try Command.run("rm", path.string)
    let error = #expect(throws: StoreError.self) {
      _ = try backUp(KnowingSource(bytes, changes: []), on: first.id)
    }
    #expect(error?.code == .notFound)
    #expect(try place.repository.revisions().entries.isEmpty)
  }
}
