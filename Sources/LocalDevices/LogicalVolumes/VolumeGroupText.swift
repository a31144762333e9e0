import ChunkFormat

/// The description of a volume group that LVM writes to each of its physical volumes
/// (vgcfgbackup(8) shows it). It begins with the group's name:
///
///     vg0 {
///     id = "Q5bPrC-Ur7L-sZx2-4JAe-lTn6-3yWd-m0cDmS"
///     flags = []
///     system_id = "db.example"
///     physical_volumes {
///     pv0 {
///     id = "…"
struct VolumeGroupText {
  private static let identifierLength = 38
  private static let hyphens: Set<Int> = [6, 11, 16, 21, 26, 31]
  private static let newline = UInt8(ascii: "\n")
  /// Keys of lines that restrict the group to other machines.
  private static let owners = ["system_id", "lock_type", "lock_args"].map { Array($0.utf8) }

  private let bytes: [UInt8]
  private let nameLength: Int

  /// Nil if the bytes are not such a text.
  init?(_ bytes: [UInt8]) {
    let name = bytes.prefix { $0 != UInt8(ascii: " ") && $0 != Self.newline }
    guard !name.isEmpty, name.allSatisfy(Self.mayBeInName),
      bytes[name.count...].starts(with: Array(" {".utf8))
    else { return nil }
    self.bytes = bytes
    nameLength = name.count
  }

  /// The text of the same group with another identity. The group and everything in it gets new
  /// identifiers, is not activated automatically, and belongs to no other machine.
  func renamed(to identity: VolumeGroupIdentity) throws(FormatError) -> [UInt8] {
    var result = identity.name(for: Array(bytes[..<nameLength]))
    result.reserveCapacity(bytes.count + 256)
    var isGroupMarked = false
    // Line by line: a list of all lines would take many times the memory of the text.
    var start = nameLength
    while start <= bytes.count {
      let end = bytes[start...].firstIndex(of: Self.newline) ?? bytes.count
      let line = bytes[start..<end]
      defer { start = end + 1 }
      let content = line.drop { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
      if Self.owners.contains(where: { content.starts(with: $0 + Array(" =".utf8)) }) { continue }
      if start > nameLength { result.append(Self.newline) }
      if !isGroupMarked, content.elementsEqual("flags = []".utf8) {
        // The first such line belongs to the group itself.
        isGroupMarked = true
        result += Array("flags = [\"NOAUTOACTIVATE\"]".utf8)
      } else {
        result += try Self.renamed(line, identity)
      }
    }
    return result
  }

  private static func renamed(
    _ line: ArraySlice<UInt8>, _ identity: VolumeGroupIdentity
  ) throws(FormatError) -> [UInt8] {
    let opening = Array("id = \"".utf8)
    let indented = line.prefix { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
    let content = line[indented.endIndex...]
    guard content.starts(with: opening) else { return Array(line) }
    let value = content.dropFirst(opening.count).prefix(identifierLength)
    guard value.count == identifierLength else { return Array(line) }
    let end = value.endIndex
    guard end < content.endIndex, content[end] == UInt8(ascii: "\"") else { return Array(line) }
    let plain = value.enumerated().filter { !hyphens.contains($0.offset) }.map(\.element)
    return indented + opening + hyphenated(try identity.identifier(for: plain)) + content[end...]
  }

  private static func hyphenated(_ identifier: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in identifier {
      if hyphens.contains(result.count) { result.append(UInt8(ascii: "-")) }
      result.append(byte)
    }
    return result
  }

  private static func mayBeInName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "+_.-".utf8.contains(byte)
    }
  }
}
