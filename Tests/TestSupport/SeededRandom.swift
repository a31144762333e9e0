import Glibc

/// How many times as many rounds of what is random are to be run: 1, or 50 with VARVE_LONG_TESTS=1.
package let longTestFactor = getenv("VARVE_LONG_TESTS") == nil ? 1 : 50

/// Random numbers that repeat for the same seed: SplitMix64 (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", 2014).
///
/// Put `description` into the comment of an expectation, so that a failure says how to repeat it;
/// the environment variable `VARVE_TEST_SEED` gives every generator made by ``init()`` that seed.
package struct SeededRandom: RandomNumberGenerator, Sendable, CustomStringConvertible {
  package let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    self.state = seed
  }

  /// A seed from the environment, else a new one at each run.
  package init() {
    let given = getenv("VARVE_TEST_SEED").flatMap { UInt64(String(cString: $0)) }
    self.init(seed: given ?? UInt64.random(in: .min ... .max))
  }

  package var description: String { "VARVE_TEST_SEED=\(seed)" }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// `count` bytes that do not compress.
  package mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { buffer in
      // Whole words where there is room: test programs are not optimised.
      for start in stride(from: 0, to: count - count % 8, by: 8) {
        buffer.storeBytes(of: next().littleEndian, toByteOffset: start, as: UInt64.self)
      }
      withUnsafeBytes(of: next().littleEndian) { word in
        for index in 0..<count % 8 { buffer[count - count % 8 + index] = word[index] }
      }
    }
    return bytes
  }
}
