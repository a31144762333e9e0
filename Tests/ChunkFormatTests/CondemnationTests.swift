import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct CondemnationTests {
  /// Nobody looked for sessions yet is not the same as that there are none.
  @Test(
    arguments: [nil, [], [SessionID(name: "one"), SessionID(name: "two")]] as [[SessionID]?],
    [nil, Sample.keys])
  func readsBackUnchanged(awaited: [SessionID]?, keys: RepositoryKeys?) throws {
    var condemnation = Sample.condemnation
    condemnation.awaited = awaited
    let bytes = try condemnation.encoded(repository: Sample.repository, keys: keys)
    #expect(
      try Condemnation(encoded: bytes, repository: Sample.repository, keys: keys) == condemnation)
  }

  /// As many packs as a writer puts into one file leave room for all sessions that there may be.
  @Test func theMaximumOfPacksFits() throws {
    func bytes(packs: Int) throws -> Int {
      try Condemnation(
        condemned: 1, dataPacks: Array(repeating: Sample.fileID(1), count: packs), mapPacks: [],
        awaited: []
      ).encoded(repository: Sample.repository, keys: nil).count
    }
    let most = try (bytes(packs: 2) - bytes(packs: 1)) * Condemnation.maximumPacks
    #expect(most + 10_000 * 38 < Condemnation.maximumFileBytes)
  }
}
