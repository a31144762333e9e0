import ChunkFormat

/// A physical volume of LVM on a disk or partition (lvm2, `lib/format_text/layout.h` and
/// `lib/label/label.h`).
///
/// The label, in one of the first four sectors of 512 bytes; integers are little-endian:
///
///       0    8   "LABELONE"
///       8    8   number of this sector
///      16    4   checksum of the sector from byte 20 on
///      20    4   offset of the volume's header in the sector, 32
///      24    8   "LVM2 001"
///      32   32   identifier of the volume, without hyphens
///      64    8   size of the device
///      72   16n  areas of data: offset and size; an offset of 0 ends the list
///           16n  areas of metadata, likewise
///
/// An area of metadata begins with a header of 512 bytes. The rest is a ring buffer: a text that
/// reaches the end of the area continues after the header:
///
///       0    4   checksum of the header from byte 4 on
///       4   16   " LVM2 x[5A%r0N*>"
///      20    4   1
///      24    8   offset of the area
///      32    8   size of the area
///      40   24n  texts: offset in the area, size, checksum, flags; an offset of 0 ends the list.
///                The first text is the valid one.
package struct PhysicalVolume {
  /// Bytes to write at an offset of the disk.
  package struct Change: Equatable {
    package let offsetBytes: UInt64
    package let bytes: [UInt8]

    package init(offsetBytes: UInt64, bytes: [UInt8]) {
      self.offsetBytes = offsetBytes
      self.bytes = bytes
    }
  }

  private static let sectorBytes = 512
  /// The initial value of LVM's CRC-32. The result is not inverted.
  private static let checksumStart: UInt32 = 0xf597_a6cf
  /// LVM itself makes at most two (pvcreate(8), `--metadatacopies`). A label has room for more, which a
  /// hostile disk could use to fill the memory.
  private static let areaLimit = 2
  /// Enough for thousands of logical volumes.
  private static let textLimitBytes: UInt64 = 16 << 20

  private let disk: DiskContent
  private let labelOffset: UInt64
  private let label: [UInt8]

  /// Finds the physical volume on a disk; nil if there is none.
  package init?(on disk: DiskContent) throws {
    for sector in 0..<4 {
      let offset = UInt64(sector * Self.sectorBytes)
      guard let label = try disk.bytes(at: offset, count: Self.sectorBytes) else { return nil }
      guard label.contains("LABELONE", at: 0), label.contains("LVM2 001", at: 24),
        label.integer(UInt64.self, at: 8) == UInt64(sector),
        label.integer(UInt32.self, at: 20) == 32,
        label.integer(UInt32.self, at: 16) == Self.checksum(of: label[20...])
      else { continue }
      self.disk = disk
      self.label = label
      labelOffset = offset
      return
    }
    return nil
  }

  /// The changes that give the volume, and the volume group in its metadata, another identity.
  /// Damaged metadata is not changed: LVM does not use it.
  package func changes(to identity: VolumeGroupIdentity) throws -> [Change] {
    try [renamedLabel(identity)] + metadataAreas().flatMap { try renamedArea($0, identity) }
  }

  private func renamedLabel(_ identity: VolumeGroupIdentity) throws(FormatError) -> Change {
    var label = label
    label.replaceSubrange(32..<64, with: try identity.identifier(for: label[32..<64]))
    label.replaceSubrange(16..<20, with: Self.checksum(of: label[20...]).littleEndianBytes)
    return Change(offsetBytes: labelOffset, bytes: label)
  }

  private func metadataAreas() -> [UInt64] {
    var areas: [UInt64] = []
    var isData = true
    for entry in stride(from: 72, through: Self.sectorBytes - 16, by: 16) {
      let offset = label.integer(UInt64.self, at: entry)
      guard offset == 0 else {
        if !isData, areas.count < Self.areaLimit { areas.append(offset) }
        continue
      }
      guard isData else { break }
      isData = false
    }
    return areas
  }

  private func renamedArea(_ area: UInt64, _ identity: VolumeGroupIdentity) throws -> [Change] {
    guard var header = try disk.bytes(at: area, count: Self.sectorBytes),
      header.contains(" LVM2 x[5A%r0N*>", at: 4),
      header.integer(UInt32.self, at: 0) == Self.checksum(of: header[4...]),
      let old = try text(in: area, header)
    else { return [] }
    let text = try old.renamed(to: identity)
    let size = header.integer(UInt64.self, at: 32)
    guard UInt64(text.count + Self.sectorBytes) <= size else { return [] }
    let flags = header.integer(UInt32.self, at: 60)
    let location =
      UInt64(Self.sectorBytes).littleEndianBytes + UInt64(text.count).littleEndianBytes
      + Self.checksum(of: text[...]).littleEndianBytes + flags.littleEndianBytes
    // Write zeros after it: a second text would be one that was never committed.
    header.replaceSubrange(40..<88, with: location + [UInt8](repeating: 0, count: 24))
    header.replaceSubrange(0..<4, with: Self.checksum(of: header[4...]).littleEndianBytes)
    return [
      Change(offsetBytes: area, bytes: header),
      Change(offsetBytes: area + UInt64(Self.sectorBytes), bytes: text),
    ]
  }

  /// The text in an area; nil if there is none, or if it is damaged.
  private func text(in area: UInt64, _ header: [UInt8]) throws -> VolumeGroupText? {
    let size = header.integer(UInt64.self, at: 32)
    let offset = header.integer(UInt64.self, at: 40)
    let length = header.integer(UInt64.self, at: 48)
    let (end, overflows) = area.addingReportingOverflow(size)
    guard !overflows, end <= disk.sizeBytes, offset >= Self.sectorBytes, offset < size,
      length >= 1, length <= min(Self.textLimitBytes, size)
    else { return nil }
    let first = min(length, size - offset)
    guard var text = try disk.bytes(at: area + offset, count: Int(first)),
      let rest = try disk.bytes(at: area + UInt64(Self.sectorBytes), count: Int(length - first))
    else { return nil }
    text += rest
    guard header.integer(UInt32.self, at: 56) == Self.checksum(of: text[...]) else { return nil }
    return VolumeGroupText(text)
  }

  static func checksum(of bytes: ArraySlice<UInt8>) -> UInt32 {
    CyclicRedundancyCheck.remainder(of: bytes, from: checksumStart)
  }
}

extension FixedWidthInteger {
  fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
