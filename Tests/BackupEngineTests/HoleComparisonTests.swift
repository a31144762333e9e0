@testable import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Synchronization
import SystemPackage
import Testing
import VolumeSources

/// A file of which one half is reported as a hole.
private final class LyingSource: VolumeSource {
  let name = "lying"
  let kind = VolumeSourceKind.file
  let canBeReadAgain = true
  let takesHolesOnTrust = true
  let bytes: [UInt8]
  /// Whether the data in the hole was written after the backup.
  let isChanged: Bool

  init(_ bytes: [UInt8], isChanged: Bool) {
    self.bytes = bytes
    self.isChanged = isChanged
  }

  var sizeBytes: UInt64? { UInt64(bytes.count) }

  func nextExtent(at offsetBytes: UInt64) -> SourceExtent? {
    let half = UInt64(bytes.count / 2)
    guard offsetBytes < UInt64(bytes.count) else { return nil }
    let end = offsetBytes < half ? half : UInt64(bytes.count)
    return SourceExtent(
      offsetBytes: offsetBytes, lengthBytes: end - offsetBytes, isHole: offsetBytes < half)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64) -> Int {
    let part = bytes.dropFirst(Int(offsetBytes)).prefix(buffer.count)
    buffer.copyBytes(from: part)
    return part.count
  }

  func isHoleByMistake(at offsetBytes: UInt64) -> Bool { !isChanged }

  func finish() {}
}

/// A file that is overwritten after it was read.
private final class ChangingSource: VolumeSource {
  let name = "changing"
  let kind = VolumeSourceKind.file
  let canBeReadAgain = true
  let takesHolesOnTrust = false
  private let bytes: [UInt8]
  private let leftBytes: Atomic<Int>

  init(_ bytes: [UInt8], changesAfterReadingBytes limit: Int) {
    self.bytes = bytes
    leftBytes = Atomic(limit)
  }

  var sizeBytes: UInt64? { UInt64(bytes.count) }

  func nextExtent(at offsetBytes: UInt64) -> SourceExtent? {
    guard offsetBytes < UInt64(bytes.count) else { return nil }
    return SourceExtent(
      offsetBytes: offsetBytes, lengthBytes: UInt64(bytes.count) - offsetBytes, isHole: false)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64) -> Int {
    let part = bytes.dropFirst(Int(offsetBytes)).prefix(buffer.count)
    let left = leftBytes.subtract(part.count, ordering: .relaxed).oldValue
    buffer.copyBytes(from: left > 0 ? Array(part) : part.map { ~$0 })
    return part.count
  }

  func isHoleByMistake(at offsetBytes: UInt64) -> Bool { false }

  func finish() {}
}

@Suite("Holes are compared with the source")
struct HoleComparisonTests {
  private func backUp(
    _ bytes: [UInt8], _ policy: VerificationPolicy, isChanged: Bool = false
  ) throws -> (Workplace, BackupReport) {
    let place = try Workplace()
    // Another source replaces the file.
    let report = try place.backUp(try place.disk("unused", [])) { request in
      request.volumes = [
        BackupRequest.Volume(name: "disk", source: LyingSource(bytes, isChanged: isChanged))
      ]
      request.verification = policy
    }
    return (place, report)
  }

  @Test(
    "Data reported as a hole makes the revision distrusted",
    arguments: [VerificationPolicy.full, .automatic, .sample(percent: 10)])
  func missed(policy: VerificationPolicy) throws {
    let bytes = [UInt8](repeating: 7, count: 40 * 64 << 10)
    let (place, report) = try backUp(bytes, policy)
    #expect(!report.verification.isClean)
    #expect(report.verification.missedPieces >= 1)
    #expect(report.verification.firstMissedBytes ?? .max < UInt64(bytes.count / 2))
    #expect(try place.repository.revision(report.id).marks.trust == .distrusted)
  }

  @Test("Data written to a hole after the backup counts as changed")
  func changed() throws {
    let (_, report) = try backUp(
      [UInt8](repeating: 7, count: 4 * 64 << 10), .full, isChanged: true)
    #expect(report.verification.isClean)
    #expect(report.verification.changedAtSource == 1)
  }

  @Test("Data that the source has lost by the time of verification counts as changed")
  func changedData() throws {
    let bytes = [UInt8](repeating: 7, count: 4 * 64 << 10)
    let place = try Workplace()
    let source = ChangingSource(bytes, changesAfterReadingBytes: bytes.count)
    let report = try place.backUp(try place.disk("unused", [])) { request in
      request.volumes = [BackupRequest.Volume(name: "disk", source: source)]
      request.verification = .full
    }
    #expect(report.verification.isClean)
    #expect(report.verification.changedAtSource == 4)
  }

  @Test("A real hole is compared in full, sampled, or not at all")
  func holes() throws {
    var bytes = [UInt8](repeating: 0, count: 400 * 64 << 10)
    bytes[bytes.count - 1] = 1
    let half = UInt64(bytes.count / 2)
    for (policy, least) in [
      (VerificationPolicy.full, half), (.automatic, half), (.sample(percent: 10), half / 10),
    ] {
      let (_, report) = try backUp(bytes, policy)
      #expect(report.verification.isClean)
      #expect(report.verification.comparedHoleBytes >= least)
      #expect(report.verification.comparedHoleBytes <= 2 * least)
    }
    #expect(try backUp(bytes, .none).1.verification.comparedHoleBytes == 0)
  }

  @Test("A sample has the requested count of distinct, ascending numbers")
  func sample() {
    for (total, wanted) in [(1, 1), (7, 3), (100, 100), (UInt64(1) << 60, 5)] as [(UInt64, UInt64)]
    {
      var sample = HoleSample(total: total, wanted: wanted)
      var numbers: [UInt64] = []
      #expect(sample.next(before: 0) == nil)
      while let number = sample.next(before: total) { numbers.append(number) }
      #expect(numbers.count == Int(wanted))
      #expect(numbers == Array(Set(numbers)).sorted())
      #expect(numbers.allSatisfy { $0 < total })
    }
  }
}
