/// One node of a volume's map: up to 256 ids (format, "Map nodes"). In a leaf (level 0) these are
/// ids of chunks, in any other node ids of nodes of the level below.
///
/// ```
/// offset size
///      0    1  version, 1
///      1    1  level: 0 leaf, at most 7
///      2    2  zeros
///      4   32  bitmap: bit i % 8 of byte i / 8 is set if child i is not a hole
///     36  32n  the ids of the n children that are not holes, in order
/// ```
///
/// A node whose children are all holes is a hole itself and never encoded.
package struct MapNode: Equatable, Sendable {
  /// Children of a node.
  package static let fanout = 256
  /// The most levels of a map. With 8 levels it has up to 256^8 chunks, more than the largest
  /// volume.
  package static let maximumLevels = 8
  /// Bytes of the largest encoded node.
  package static let maximumEncodedBytes = headerBytes + fanout * ContentID.lengthBytes

  private static let version: UInt8 = 1
  private static let bitmapOffset = 4
  private static let headerBytes = bitmapOffset + fanout / 8
  private static let structure = "map node"

  /// Distance from the leaves, 0 to 7.
  package let level: Int
  /// Exactly 256 ids; `.hole` for a child that is not stored.
  package var children: [ContentID]

  /// A node of holes.
  ///
  /// - Precondition: `level` is 0 to 7.
  package init(level: Int) {
    precondition(0..<Self.maximumLevels ~= level)
    self.level = level
    self.children = Array(repeating: .hole, count: Self.fanout)
  }

  /// Whether every child is a hole.
  package var isHole: Bool { children.allSatisfy(\.isHole) }

  /// The encoded node, which is hashed and stored.
  package func encoded() -> [UInt8] {
    var bitmap = [UInt8](repeating: 0, count: Self.fanout / 8)
    for (index, child) in children.enumerated() where !child.isHole {
      bitmap[index / 8] |= 1 << UInt8(index % 8)
    }
    var writer = ByteWriter()
    writer.write(Self.version)
    writer.write(UInt8(level))
    writer.write(UInt16(0))
    writer.write(raw: bitmap)
    for child in children where !child.isHole {
      writer.write(child)
    }
    return writer.bytes
  }

  /// Reads one node.
  ///
  /// - Throws: ``FormatError`` with `.unsupported` for another version, `.corrupt` for bytes that
  ///   ``encoded()`` would not return.
  package init(encoded bytes: [UInt8]) throws(FormatError) {
    var reader = ByteReader(bytes, structure: Self.structure)
    let version: UInt8 = try reader.read()
    guard version == Self.version else {
      throw .unsupportedVersion(Self.structure, found: version, known: Self.version)
    }
    let level: UInt8 = try reader.read()
    let zeros: UInt16 = try reader.read()
    guard level < Self.maximumLevels, zeros == 0 else {
      throw .corrupt(
        Self.structure, expected: "a level up to \(Self.maximumLevels - 1) and zeros",
        found: "level \(level), \(zeros)")
    }
    self.init(level: Int(level))
    let bitmap = Array(try reader.read(count: Self.fanout / 8))
    for index in 0..<Self.fanout where bitmap[index / 8] & (1 << UInt8(index % 8)) != 0 {
      children[index] = try reader.readID()
      guard !children[index].isHole else {
        throw .corrupt(Self.structure, expected: "an id for child \(index)", found: "zeros")
      }
    }
    try reader.finish()
    guard !isHole else {
      throw .corrupt(Self.structure, expected: "at least one child", found: "none")
    }
  }
}
