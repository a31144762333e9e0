import Administration
import Testing

@Suite struct QuantitiesTests {
  @Test(
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1536, "1.50 KiB"), (10_239, "10.0 KiB"),
      (102_400, "100 KiB"), (1_048_063, "1023 KiB"), (1_048_064, "1.00 MiB"),
      (1 << 20, "1.00 MiB"), (20 << 40, "20.0 TiB"), (.max, "16.0 EiB"),
    ] as [(UInt64, String)])
  func bytes(count: UInt64, text: String) { #expect(Quantities.bytes(count) == text) }

  @Test(
    arguments: [
      (0, "0.00 s"), (0.04, "0.04 s"), (0.994, "0.99 s"), (0.996, "1.0 s"), (5.24, "5.2 s"),
      (9.96, "10 s"), (59.4, "59 s"), (59.6, "1:00 min"), (187, "3:07 min"), (3599.6, "1:00:00 h"),
      (7509, "2:05:09 h"), (-1, "0.00 s"), (.infinity, "277777:46:40 h"),
    ] as [(Double, String)])
  func durations(seconds: Double, text: String) {
    #expect(Quantities.duration(seconds: seconds) == text)
  }

  @Test(
    arguments: [
      (0, "0 µs"), (0.0000001, "1 µs"), (0.000085, "85 µs"), (0.00099949, "1.00 ms"),
      (0.0123, "12.3 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (75, "1:15 min"),
    ] as [(Double, String)])
  func latencies(seconds: Double, text: String) {
    #expect(Quantities.latency(seconds: seconds) == text)
  }

  @Test(
    "100 % means all",
    arguments: [
      (0, 0, "100 %"), (0, 10, "0 %"), (999, 1000, "99 %"), (1000, 1000, "100 %"),
      (1 << 62, (1 << 62) + 1, "99 %"),
    ] as [(UInt64, UInt64, String)])
  func shares(part: UInt64, whole: UInt64, text: String) {
    #expect(Quantities.share(part, of: whole) == text)
  }

  @Test func counts() {
    #expect(Quantities.count(0, "chunk") == "0 chunks")
    #expect(Quantities.count(1, "chunk") == "1 chunk")
    #expect(Quantities.count(2, "stretch", plural: "stretches") == "2 stretches")
  }
}
