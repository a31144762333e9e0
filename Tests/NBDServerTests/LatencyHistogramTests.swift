import Testing

@testable import NBDServer

@Suite("Latency")
struct LatencyHistogramTests {
  @Test("an empty histogram has no values")
  func empty() {
    let histogram = LatencyHistogram()
    #expect(histogram.mean == nil)
    #expect(histogram.quantile(0.99) == nil)
  }

  @Test(
    "a quantile is never too low, and at most a quarter too high",
    arguments: [0, 1, 3, 4, 5, 7, 8, 100, 127, 128, 999, 65_535, 1_000_000, 60_000_000] as [UInt64])
  func precision(microseconds: UInt64) throws {
    var histogram = LatencyHistogram()
    histogram.add(nanoseconds: microseconds * 1000 + 999)
    let bound = try #require(histogram.quantile(0.5)) * 1e6
    #expect(bound > Double(microseconds))
    #expect(bound <= max(Double(microseconds) * 1.25, Double(microseconds) + 1))
  }

  @Test("the slowest hundredth does not count, and the mean is exact")
  func shares() throws {
    var histogram = LatencyHistogram()
    for _ in 0..<990 { histogram.add(nanoseconds: 100_000) }
    for _ in 0..<10 { histogram.add(nanoseconds: 1_000_000_000) }
    #expect(try #require(histogram.quantile(0.99)) < 130e-6)
    #expect(try #require(histogram.quantile(0.995)) >= 1)
    let mean = try #require(histogram.mean)
    let expected = 10.099 / 1000
    #expect(abs(mean - expected) < 1e-9)
  }

  @Test("an extremely long duration is counted, too")
  func endless() throws {
    var histogram = LatencyHistogram()
    histogram.add(nanoseconds: .max)
    #expect(try #require(histogram.quantile(1)) > 3600)
  }
}
