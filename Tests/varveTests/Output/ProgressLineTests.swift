import Testing

@testable import varve

@Suite struct ProgressLineTests {
  private func reading(
    _ done: UInt64, of total: UInt64? = 1000 << 20, _ activity: String = "restoring web01"
  ) -> ProgressReading {
    ProgressReading(activity: activity, done: done << 20, total: total)
  }

  @Test func rateAndRemainingTimeFollowTheLastSeconds() {
    var line = ProgressLine()
    #expect(
      line.text(for: reading(0), at: 1, columns: 99)
        == "restoring web01  0 %  0 B of 1000 MiB")
    #expect(
      line.text(for: reading(100), at: 2, columns: 99)
        == "restoring web01  10 %  100 MiB of 1000 MiB  100 MiB/s  9 s left")
    // Eleven seconds later only the slow ones count.
    _ = line.text(for: reading(110), at: 12, columns: 99)
    #expect(
      line.text(for: reading(120), at: 13, columns: 99)
        == "restoring web01  12 %  120 MiB of 1000 MiB  10.0 MiB/s  1:28 min left")
  }

  @Test func anUnknownEndHasNoShare() {
    var line = ProgressLine()
    _ = line.text(for: reading(0, of: nil), at: 0, columns: 99)
    #expect(
      line.text(for: reading(50, of: nil), at: 1, columns: 99)
        == "restoring web01  50.0 MiB  50.0 MiB/s")
  }

  @Test func anotherActivityHasARateOfItsOwn() {
    var line = ProgressLine()
    _ = line.text(for: reading(0), at: 0, columns: 99)
    _ = line.text(for: reading(900), at: 1, columns: 99)
    #expect(
      line.text(for: reading(0, of: nil, "verifying web01"), at: 2, columns: 99)
        == "verifying web01  0 B")
  }

  @Test func whatIsCountedHasNoBytes() {
    var line = ProgressLine()
    var reading = ProgressReading(activity: "reading packs", done: 10, total: 40, unit: .count)
    _ = line.text(for: reading, at: 0, columns: 99)
    reading.done = 20
    #expect(
      line.text(for: reading, at: 10, columns: 99)
        == "reading packs  50 %  20 of 40  20 s left")
  }

  @Test func aStandstillHasNoEnd() {
    var line = ProgressLine()
    _ = line.text(for: reading(5), at: 0, columns: 99)
    #expect(line.text(for: reading(5), at: 5, columns: 99).hasSuffix("0 B/s"))
  }

  @Test(arguments: 1...80)
  func fitsTheTerminal(columns: Int) {
    var line = ProgressLine()
    var reading = reading(10)
    reading.remark = "1.20 GiB new"
    _ = line.text(for: reading, at: 0, columns: columns)
    #expect(line.text(for: reading, at: 1, columns: columns).displayWidth <= columns)
  }
}
