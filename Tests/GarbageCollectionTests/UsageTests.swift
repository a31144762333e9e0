import BackupEngine
import ChunkFormat
import ChunkStore
import GarbageCollection
import TestSupport
import Testing
import Workers

@Suite("Space usage of a store")
struct UsageTests {
  private let place: Store

  init() throws { place = try Store() }

  private func usage(without pruned: Set<RevisionID> = []) throws -> StoreUsage {
    try UsageSurvey(
      repository: place.repository, pruned: pruned, context: place.context
    ).run()
  }

  /// Backs up several versions. Each version differs from the one before in some bytes, so that
  /// some chunks are bases of deltas.
  private func backUpHistory(of job: String, count: Int, _ random: inout SeededRandom) throws {
    var bytes = place.bytes(0..<12)
    for _ in 0..<count {
      for chunk in 0..<12 where Int.random(in: 0..<3, using: &random) == 0 {
        let start = chunk * Store.chunkBytes
        if Bool.random(using: &random) {
          bytes[start + Int.random(in: 0..<1000, using: &random)] ^= 0xff
        } else {
          let end = start + Store.chunkBytes
          bytes.replaceSubrange(start..<end, with: random.bytes(Store.chunkBytes))
        }
      }
      _ = try place.backUp(bytes: bytes, job: job)
    }
  }

  @Test("Content that only one revision needs becomes garbage when it is deleted")
  func aloneIsWhatForgettingFrees() throws {
    var random = SeededRandom(seed: 11)
    try backUpHistory(of: "web01", count: 5, &random)
    try backUpHistory(of: "db01", count: 2, &random)
    try place.forget(try place.repository.revisions().entries[2].id)
    let all = try usage()
    try #require(all.deltas > 5)
    #expect(all.bases.storedBytes > 0)
    for job in all.jobs {
      for revision in job.revisions {
        let freed = try usage(without: [revision.entry.id]).prunableBytes
        #expect(freed == revision.exclusive.storedBytes)
      }
      let ids = Set(job.revisions.map(\.entry.id))
      #expect(try usage(without: ids).prunableBytes == job.exclusiveBytes)
    }
  }

  @Test("Content of a deleted revision is not garbage while it is being read")
  func heldIsNoGarbage() throws {
    let first = try place.backUp(chunks: 0..<20)
    try place.backUp(chunks: 10..<20)
    let session = try place.repository.beginReading(
      "test", pinned: [first], context: .testing())
    try place.forget(first)
    let held = try usage()
    #expect(held.garbageBytes == 0)
    #expect(held.held.storedBytes > UInt64(10 * Store.chunkBytes))
    session.end()
    let freed = try usage()
    #expect(freed.held.storedBytes == 0)
    #expect(freed.garbageBytes == held.held.storedBytes)
  }
}
