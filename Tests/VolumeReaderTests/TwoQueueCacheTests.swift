import ChunkFormat
import Testing

@testable import VolumeReader

@Suite struct TwoQueueCacheTests {
  private func id(_ number: Int) -> ContentID {
    withUnsafeBytes(of: (number + 1, number, number, number)) { ContentID($0) }
  }

  private func isHeld(_ number: Int, _ cache: inout TwoQueueCache<Int>) -> Bool {
    cache.find(id(number)) != nil
  }

  @Test("values within the limit stay") func fits() {
    var cache = TwoQueueCache<Int>(limitBytes: 100)
    for number in 0..<10 { cache.insert(number, id: id(number), bytes: 10) }
    for number in 0..<10 { #expect(cache.find(id(number)) == number) }
    #expect(cache.usedBytes == 100)
  }

  @Test("the limit holds for all sizes") func bound() {
    var cache = TwoQueueCache<Int>(limitBytes: 100)
    for number in 0..<1000 {
      cache.insert(number, id: id(number % 37), bytes: 1 + number % 60)
      #expect(cache.usedBytes <= 100)
      _ = cache.find(id(number % 5))
    }
    cache.insert(0, id: id(5000), bytes: 101)
    #expect(!isHeld(5000, &cache))
  }

  @Test("popular values survive a pass over everything") func scanResistance() {
    var cache = TwoQueueCache<Int>(limitBytes: 100)
    // Requested, evicted, and requested again: now popular.
    for number in 0..<5 { cache.insert(number, id: id(number), bytes: 10) }
    for number in 100..<112 { cache.insert(number, id: id(number), bytes: 10) }
    #expect(!(0..<5).contains { isHeld($0, &cache) })
    for number in 0..<5 { cache.insert(number, id: id(number), bytes: 10) }
    for number in 1000..<3000 {
      cache.insert(number, id: id(number), bytes: 10)
      // The pass reads each chunk in many small pieces.
      for _ in 0..<32 { _ = cache.find(id(number)) }
      _ = cache.find(id(number % 5))
    }
    #expect((0..<5).allSatisfy { isHeld($0, &cache) })
  }

  @Test("values that were popular make room for those that are popular now") func change() {
    var cache = TwoQueueCache<Int>(limitBytes: 100)
    for generation in 0..<20 {
      let numbers = generation * 10..<generation * 10 + 6
      for _ in 0..<20 {
        for number in numbers where !isHeld(number, &cache) {
          cache.insert(number, id: id(number), bytes: 10)
        }
        for number in 0..<3 {
          let other = 10_000 + generation * 1000 + number
          cache.insert(other, id: id(other), bytes: 10)
        }
      }
      #expect(numbers.count { isHeld($0, &cache) } >= 5, "generation \(generation)")
    }
  }
}
