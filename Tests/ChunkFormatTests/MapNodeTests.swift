import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct MapNodeTests {
  @Test func readsBackWhateverItsChildren() throws {
    var random = SeededRandom()
    for level in 0..<MapNode.maximumLevels {
      for share in [1, 2, 50, 255, 256] {
        var node = MapNode(level: level)
        for index in (0..<256).shuffled(using: &random).prefix(share) {
          node.children[index] = random.bytes(32).withUnsafeBytes { ContentID($0) }
        }
        let bytes = node.encoded()
        #expect(bytes.count == 36 + 32 * share)
        #expect(bytes.count <= MapNode.maximumEncodedBytes)
        #expect(try MapNode(encoded: bytes) == node, "\(random)")
      }
    }
  }

  private static var sample: MapNode {
    var node = MapNode(level: 3)
    node.children[0] = Sample.id(1)
    node.children[130] = Sample.id(2)
    node.children[255] = Sample.id(3)
    return node
  }

  @Test func everyTruncationIsRefused() {
    let bytes = Self.sample.encoded()
    for count in 0..<bytes.count {
      #expect(throws: FormatError.self, "\(count) bytes") {
        try MapNode(encoded: Array(bytes[..<count]))
      }
    }
    #expect(throws: FormatError.self) { try MapNode(encoded: bytes + [0]) }
  }

  /// A node has no checksum of its own, since its record has one. So a flipped bit of an id makes
  /// another valid node, and that node encodes to the flipped bytes. The decoder ignores no bit.
  @Test func readsExactlyWhatWasWritten() {
    let bytes = Self.sample.encoded()
    var read = 0
    for place in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[place] ^= 1 << UInt8(bit)
        if let node = try? MapNode(encoded: flipped) {
          #expect(node.encoded() == flipped)
          #expect(place == 1 || place >= 36, "byte \(place) is no level and no id")
          read += 1
        }
      }
    }
    #expect(read > 3 * 32 * 8 - 3)
  }

  @Test func anotherVersionIsRefusedByName() {
    var bytes = Self.sample.encoded()
    bytes[0] = 2
    let error = #expect(throws: FormatError.self) { try MapNode(encoded: bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("version 2") == true)
  }

  @Test(arguments: [(1, UInt8(8)), (2, 1), (3, 1)]) func otherLevelsAndReservedBytesAreRefused(
    _ place: Int, _ value: UInt8
  ) {
    var bytes = Self.sample.encoded()
    bytes[place] = value
    #expect(throws: FormatError.self) { try MapNode(encoded: bytes) }
  }

  @Test func holesAreImplicit() {
    let empty = MapNode(level: 0)
    #expect(empty.isHole)
    #expect(throws: FormatError.self) { try MapNode(encoded: empty.encoded()) }
    var bytes = Self.sample.encoded()
    bytes.replaceSubrange(36..<68, with: [UInt8](repeating: 0, count: 32))
    #expect(throws: FormatError.self, "a hole spelt out") { try MapNode(encoded: bytes) }
  }

  @Test func randomBytesNeverTrap() {
    var random = SeededRandom()
    for _ in 0..<500 {
      var bytes = random.bytes(Int.random(in: 0..<9000, using: &random))
      if bytes.count >= 4 { bytes.replaceSubrange(0..<4, with: [1, bytes[1] & 7, 0, 0]) }
      if let node = try? MapNode(encoded: bytes) {
        #expect(node.encoded() == bytes, "\(random)")
      }
    }
  }
}

@Suite struct ContentIDTests {
  @Test func orderIsThatOfTheNames() {
    var random = SeededRandom()
    let ids = (0..<200).map { _ in
      // Ids with long common prefixes, so that every word is compared.
      let common = Int.random(in: 0...31, using: &random)
      return ([UInt8](repeating: 0x80, count: common) + random.bytes(32 - common))
        .withUnsafeBytes { ContentID($0) }
    }
    let names = ids.map(\.description)
    #expect(ids.sorted().map(\.description) == names.sorted(), "\(random)")
  }

  @Test func aHoleIsZeros() {
    #expect(ContentID.hole.description == String(repeating: "0", count: 64))
    #expect(ContentID.hole.isHole)
    #expect(!Sample.id(1).isHole)
    #expect(ContentID.hole.complement.description == String(repeating: "f", count: 64))
  }
}
