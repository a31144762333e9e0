import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import SystemPackage
import TestSupport
import Testing
import VolumeTargets
import Workers

@Suite("Restores")
struct RestoreTests {
  private func restore(
    _ workplace: Workplace, to target: FilePath, change: (inout RestoreOptions) -> Void = { _ in }
  ) throws -> RestoreReport {
    let entry = try #require(try workplace.repository.revisions().entries.last)
    var options = RestoreOptions()
    change(&options)
    return try Restore(
      repository: workplace.repository, entry: entry, volume: entry.revision.volumes[0],
      target: try openTarget(target.string, force: false), options: options,
      context: workplace.context
    ).run()
  }

  private func content(of path: FilePath) throws -> [UInt8] {
    try POSIXFileSystem().readAll(path, limitBytes: 1 << 30)
  }

  @Test("A restore equals the disk, bit for bit", arguments: [false, true])
  func identical(encrypted: Bool) throws {
    let workplace = try Workplace(encrypted: encrypted)
    var random = SeededRandom(seed: 7)
    var bytes = random.bytes(3_000_001)
    bytes.replaceSubrange(500_000..<900_000, with: repeatElement(0, count: 400_000))
    try workplace.backUp(try workplace.disk("disk", bytes))
    bytes[1_234_567] ^= 1
    try workplace.backUp(try workplace.disk("disk", bytes))
    let target = workplace.directory.path.appending("restored")
    let report = try restore(workplace, to: target) { $0.verifies = true }
    #expect(report.isVerified)
    #expect(try content(of: target) == bytes)
  }

  @Test("Damage stops a restore or leaves a listed gap")
  func damage() throws {
    let workplace = try Workplace()
    var random = SeededRandom(seed: 8)
    let bytes = random.bytes(20 * 64 << 10)
    try workplace.backUp(try workplace.disk("disk", bytes))
    try workplace.spoilChunk(3)
    let target = workplace.directory.path.appending("restored")
    #expect(throws: EngineError.self) { try restore(workplace, to: target) }
    #expect(throws: FileError.self) { try content(of: target) }

    let report = try restore(workplace, to: target) { $0.fillPattern = Array("GAP.".utf8) }
    let chunk = 64 << 10
    let gap = 3 * chunk..<4 * chunk
    #expect(report.gaps.map(\.offsetBytes) == [UInt64(gap.lowerBound)])
    var expected = bytes
    expected.replaceSubrange(
      gap, with: repeatElement(Array("GAP.".utf8), count: chunk / 4).joined())
    #expect(try content(of: target) == expected)
  }

  @Test("A nearly empty volume of 20 TiB is restored and compared quickly")
  func sparse() throws {
    // ext4 does not support files of 20 TiB.
    let workplace = try Workplace(inMemory: true)
    let disk = try workplace.disk("disk", [])
    let source = try POSIXFileSystem().openFile(disk, for: .readingAndWriting)
    try [UInt8]([1, 2, 3]).withUnsafeBytes { try source.write($0, at: 5 << 40) }
    try [UInt8]([0]).withUnsafeBytes { try source.write($0, at: UInt64(20) << 40 - 1) }
    source.close()
    try workplace.backUp(disk)
    let target = workplace.directory.path.appending("restored")
    let report = try restore(workplace, to: target) { $0.verifies = true }
    #expect(report.isVerified)
    #expect(report.dataBytes == 64 << 10)
    let file = try POSIXFileSystem().openFile(target, for: .reading)
    #expect(try file.sizeBytes() == UInt64(20) << 40)
    var found: [UInt8] = [0, 0, 0, 9]
    #expect(try found.withUnsafeMutableBytes { try file.read(into: $0, at: 5 << 40) } == 4)
    #expect(found == [1, 2, 3, 0])
  }
}
