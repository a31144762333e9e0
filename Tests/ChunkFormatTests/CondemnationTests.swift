import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct CondemnationTests {
  /// Sessions that have not been listed yet differ from an empty list.
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

  /// With the most packs that a writer puts into one file, all possible sessions still fit.
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
