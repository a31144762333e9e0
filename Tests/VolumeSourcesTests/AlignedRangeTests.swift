import Testing

@testable import VolumeSources

@Suite struct AlignedRangeTests {
  @Test(
    arguments: [
      (0, 0, 0, 0, 0), (0, 4096, 0, 4096, 0), (1, 10, 10, 0, 0), (4095, 2, 1, 0, 1),
      (100, 8192, 3996, 4096, 100), (4096, 5000, 0, 4096, 904),
    ] as [(UInt64, UInt64, UInt64, UInt64, UInt64)])
  func isCutAtBlocks(
    offset: UInt64, length: UInt64, head: UInt64, body: UInt64, tail: UInt64
  ) {
    let range = AlignedRange(offsetBytes: offset, lengthBytes: length, alignmentBytes: 4096)
    #expect([range.headBytes, range.bodyBytes, range.tailBytes] == [head, body, tail])
    #expect(range.tailOffsetBytes + range.tailBytes == offset + length)
  }
}
