import TestSupport
import Testing

@testable import Overlays

@Suite("States of blocks")
struct StatePageTests {
  @Test("a page behaves like an array of states")
  func model() throws {
    var random = SeededRandom()
    var page = StatePage.base
    var model = [BlockState](repeating: .base, count: Int(StatePage.blockCount))
    for _ in 0..<300 {
      let first = Int.random(in: 0..<model.count, using: &random)
      let longest = Bool.random(using: &random) ? 40 : model.count
      let end = min(model.count, first + Int.random(in: 1...longest, using: &random))
      let state = [BlockState.base, .data, .zero].randomElement(using: &random)!
      page.set(UInt64(first)..<UInt64(end), to: state)
      model.replaceSubrange(first..<end, with: repeatElement(state, count: end - first))
      let place = Int.random(in: 0..<model.count, using: &random)
      let limit = Int.random(in: place + 1...model.count, using: &random)
      let expected = model[place..<limit].firstIndex { $0 != model[place] } ?? limit
      #expect(page[UInt64(place)] == model[place], "\(random)")
      #expect(
        page.endOfRun(from: UInt64(place), limit: UInt64(limit)) == UInt64(expected), "\(random)")
    }
    let read = page.withEncodedBytes { StatePage($0) }
    #expect(read == page, "\(random)")
    #expect((0..<StatePage.blockCount).allSatisfy { page[$0] == model[Int($0)] }, "\(random)")
  }

  @Test("the bits have the positions that the format defines")
  func layout() {
    var page = StatePage.base
    page.set(1..<2, to: .data)
    page.set(3..<4, to: .zero)
    page.set(StatePage.blockCount - 1..<StatePage.blockCount, to: .zero)
    let bytes = page.withEncodedBytes { Array($0) }
    #expect(bytes.count == 4096)
    #expect(bytes[0] == 0b10_00_01_00)
    #expect(bytes[4095] == 0b10_00_00_00)
    #expect(bytes[1..<4095].allSatisfy { $0 == 0 })
  }

  @Test("an invalid state is refused")
  func damage() {
    var bytes = [UInt8](repeating: 0, count: StatePage.lengthBytes)
    bytes[2000] = 0b00_11_00_00
    #expect(bytes.withUnsafeBytes { StatePage($0) } == nil)
    bytes[2000] = 0b01_10_01_10
    #expect(bytes.withUnsafeBytes { StatePage($0) } != nil)
  }

  @Test(
    "a range touches the right blocks, and contains the right ones completely",
    arguments: [
      (0..<0, 0..<0, 0..<0), (0..<1, 0..<1, 0..<0), (0..<4096, 0..<1, 0..<1),
      (1..<4096, 0..<1, 1..<1), (4095..<8193, 0..<3, 1..<2), (8192..<10000, 2..<3, 2..<3),
      (8193..<10000, 2..<3, 3..<3), (0..<10000, 0..<3, 0..<3), (0..<9999, 0..<3, 0..<2),
    ] as [(Range<UInt64>, Range<UInt64>, Range<UInt64>)])
  func blocks(of range: Range<UInt64>, touched: Range<UInt64>, whole: Range<UInt64>) {
    #expect(Block.holding(range).count == touched.count)
    if !touched.isEmpty { #expect(Block.holding(range) == touched) }
    #expect(Block.within(range, ofVolume: 10000) == whole)
  }
}
