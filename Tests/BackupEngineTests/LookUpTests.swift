import BackupEngine
import ChunkFormat
@testable import ChunkStore
import EngineTestSupport
import TestSupport
import Testing

#if DEBUG
  /// Every chunk needs index look-ups, and each look-up reads several pages.
  @Suite("Look-ups of the index")
  struct LookUpTests {
    private static let chunks = 100
    private static let chunkBytes = 64 << 10
    /// The look-ups for map nodes. Here each level has one node.
    private static let nodeLookUps = 16

    /// Returns chunks that all differ.
    private static func disk(seed: UInt64) -> [UInt8] {
      var random = SeededRandom(seed: seed)
      return (0..<chunks).flatMap { _ in
        (0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }
          + [UInt8](repeating: 1, count: chunkBytes - 4096)
      }
    }

    @Test("A changed chunk looks up the index at most twice", arguments: [true, false])
    func changedChunks(usesDeltas: Bool) throws {
      let place = try Workplace(chunkSizeBytes: Self.chunkBytes)
      var bytes = Self.disk(seed: 7)
      try place.backUp(try place.disk("disk", bytes))
      // In the second round, the old content is a delta.
      for round in 1...2 {
        for chunk in 0..<Self.chunks { bytes[chunk * Self.chunkBytes] ^= UInt8(round) }
        let path = try place.disk("disk\(round)", bytes)
        let before = place.repository.records.index.lookUps
        let report = try place.backUp(path) { $0.usesDeltas = usesDeltas }
        let count = place.repository.records.index.lookUps - before
        let statistics = report.revision.volumes[0].statistics
        #expect(statistics.newChunks == UInt64(Self.chunks))
        #expect(statistics.deltaChunks == (usesDeltas ? UInt64(Self.chunks) : 0))
        #expect(count <= 2 * Self.chunks + Self.nodeLookUps)
      }
    }

    @Test("A known chunk looks up the index once")
    func knownChunks() throws {
      let place = try Workplace(chunkSizeBytes: Self.chunkBytes)
      var bytes = Self.disk(seed: 8)
      let path = try place.disk("disk", bytes)
      try place.backUp(path)
      for chunk in 0..<Self.chunks { bytes[chunk * Self.chunkBytes] ^= 1 }
      let changed = try place.disk("changed", bytes)
      try place.backUp(changed)
      // Also if the store has only deltas of the content.
      for path in [path, changed] {
        let before = place.repository.records.index.lookUps
        #expect(try place.backUp(path).revision.volumes[0].statistics.newChunks == 0)
        #expect(
          place.repository.records.index.lookUps - before <= Self.chunks + Self.nodeLookUps)
      }
    }
  }
#endif
