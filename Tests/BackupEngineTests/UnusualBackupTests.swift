import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import SystemPackage
import TestSupport
import Testing

/// The result of a failed source must not pass for a backup.
@Suite("Unusual backups")
struct UnusualBackupTests {
  private static let chunk = 64 << 10

  /// Returns chunks with content, followed by chunks of zeros.
  private func disk(_ place: Workplace, data: Int, zeros: Int = 0) throws -> String {
    var random = SeededRandom(seed: 5)
    let bytes = random.bytes(data * Self.chunk) + [UInt8](repeating: 0, count: zeros * Self.chunk)
    return try place.disk("disk-\(data)-\(zeros)", bytes).string
  }

  @discardableResult
  private func backUp(
    _ place: Workplace, _ path: FilePath, job: String = "web01", accepting: Bool = false
  ) throws -> BackupReport {
    try place.backUp(path, job: job) { $0.acceptsUnusual = accepting }
  }

  /// Returns the unusual changes of a backup with these chunks after a backup of `before`.
  private func changes(
    before: (data: Int, zeros: Int), after: (data: Int, zeros: Int)
  ) throws -> [UnusualChange] {
    let place = try Workplace()
    try backUp(place, FilePath(try disk(place, data: before.data, zeros: before.zeros)))
    let path = try disk(place, data: after.data, zeros: after.zeros)
    do {
      let report = try backUp(place, FilePath(path))
      #expect(!report.revision.isUnusual)
      return []
    } catch let error as EngineError {
      guard case .unusual(let unusual) = error.code else { throw error }
      let entries = try place.repository.revisions().entries
      #expect(entries.map(\.id) == [unusual.before])
      let report = try backUp(place, FilePath(path), accepting: true)
      #expect(report.revision.isUnusual)
      #expect(report.unusual == unusual.changes)
      return unusual.changes
    }
  }

  @Test("A volume may lose half of its data, but not more")
  func data() throws {
    #expect(try changes(before: (4, 4), after: (2, 6)) == [])
    let bytes = UInt64(Self.chunk)
    #expect(
      try changes(before: (4, 4), after: (1, 7))
        == [.lessData(volume: "disk", dataBytes: bytes, before: 4 * bytes)])
    #expect(
      try changes(before: (1, 7), after: (0, 8))
        == [.lessData(volume: "disk", dataBytes: 0, before: bytes)])
    #expect(try changes(before: (0, 8), after: (0, 8)) == [])
  }

  @Test("A volume may lose half of its size, but not more")
  func size() throws {
    let bytes = UInt64(Self.chunk)
    #expect(try changes(before: (2, 6), after: (2, 2)) == [])
    #expect(
      try changes(before: (2, 6), after: (2, 1))
        == [.smaller(volume: "disk", sizeBytes: 3 * bytes, before: 8 * bytes)])
    #expect(try changes(before: (0, 1), after: (0, 0)) == [.empty(volume: "disk")])
  }

  @Test("The comparison is with the newest trusted revision, or with the newest if there is none")
  func distrusted() throws {
    let place = try Workplace()
    try backUp(place, FilePath(try disk(place, data: 8)))
    let small = try backUp(place, FilePath(try disk(place, data: 1)), accepting: true)
    try place.repository.updateMarks(of: small.id) { $0.distrust(at: 1, canBeUndone: true) }
    #expect(throws: EngineError.self) { try backUp(place, FilePath(try disk(place, data: 2))) }
    for entry in try place.repository.revisions().entries {
      try place.repository.updateMarks(of: entry.id) { $0.distrust(at: 1, canBeUndone: true) }
    }
    try backUp(place, FilePath(try disk(place, data: 2)))
  }

  @Test("Revisions of another job do not count")
  func otherJob() throws {
    let place = try Workplace()
    try backUp(place, FilePath(try disk(place, data: 8)))
    try backUp(place, FilePath(try disk(place, data: 1)), job: "db01")
  }

  @Test("Changed sizes are reported")
  func resized() throws {
    let place = try Workplace()
    try backUp(place, FilePath(try disk(place, data: 2)))
    let report = try backUp(place, FilePath(try disk(place, data: 2, zeros: 30)))
    #expect(report.resized.map(\.oldSizeBytes) == [UInt64(2 * Self.chunk)])
    #expect(report.resized.map(\.newSizeBytes) == [UInt64(32 * Self.chunk)])
    #expect(try backUp(place, FilePath(try disk(place, data: 2, zeros: 30))).resized == [])
  }
}
