import ChunkFormat
import Testing

@Suite("Saturating sums")
struct SaturationTests {
  @Test func sumsStopAtTheGreatestNumber() {
    #expect(UInt64(3).saturatingAdding(4) == 7)
    #expect(UInt64.max.saturatingAdding(1) == .max)
    #expect([UInt64](repeating: 1 << 62, count: 4).saturatingSum() == .max)
    #expect([UInt64](repeating: 1 << 62, count: 3).saturatingSum() == 3 << 62)
    #expect([UInt64]().saturatingSum() == 0)
  }

  @Test(
    "The whole part of a fraction",
    arguments: [
      (0.9, 0), (1.5, 1), (-3, 0), (0x1p64, .max), (1e300, .max), (.infinity, .max), (.nan, 0),
      (0x1p63, 1 << 63),
    ] as [(Double, UInt64)])
  func fractions(number: Double, whole: UInt64) {
    #expect(UInt64(saturating: number) == whole)
  }

  @Test func statisticsOfSeveralVolumes() {
    var sum = VolumeStatistics()
    var most = VolumeStatistics()
    most.readBytes = .max
    most.storedBytes = 5
    sum += most
    sum += most
    #expect(sum.readBytes == .max)
    #expect(sum.storedBytes == 10)
  }
}
