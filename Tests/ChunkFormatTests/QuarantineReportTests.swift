import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct QuarantineReportTests {
  @Test(arguments: [false, true]) func readsBackUnchanged(isEncrypted: Bool) throws {
    let keys = isEncrypted ? Sample.keys : nil
    var without = Sample.quarantine.copies[0]
    without.place = nil
    let report = QuarantineReport(
      found: 1, host: "", finder: "a check", copies: Sample.quarantine.copies + [without])
    let bytes = try report.encoded(repository: Sample.repository, keys: keys)
    #expect(
      try QuarantineReport(encoded: bytes, repository: Sample.repository, keys: keys) == report)
  }

  /// A file with the most copies that a writer puts into it can be read again.
  @Test func theMaximumOfCopiesFits() throws {
    let long = String(repeating: "x", count: 1000)
    let copy = DamagedCopy(
      pack: Sample.fileID(1), entry: Sample.entry, expected: long, found: long,
      place: ContentPlace(
        revision: Sample.fileID(2), job: String(repeating: "j", count: Name.maximumBytes),
        volume: String(repeating: "v", count: 255), offsetBytes: .max, lengthBytes: .max))
    let report = QuarantineReport(
      found: 1, host: "host", finder: "finder",
      copies: Array(repeating: copy, count: QuarantineReport.maximumCopies))
    let bytes = try report.encoded(repository: Sample.repository, keys: Sample.keys)
    #expect(
      try QuarantineReport(encoded: bytes, repository: Sample.repository, keys: Sample.keys)
        == report)
  }

  @Test func longWordsAreCutBetweenLetters() {
    let copy = DamagedCopy(
      pack: Sample.fileID(1), entry: Sample.entry, expected: "short",
      found: String(repeating: "ü", count: 300))
    #expect(copy.expected == "short")
    #expect(copy.found == String(repeating: "ü", count: 200))
  }

  @Test func saysWhereTheRecordIs() {
    let copy = Sample.quarantine.copies[0]
    #expect(copy.offsetBytes == 64)
    #expect(copy.lengthBytes == 72 + 100)
  }
}
