/// The partition table of UEFI (UEFI specification, 5.3). A disk has one copy at each end.
///
/// Header, in the second sector and in the last one; integers are little-endian:
///
///      0    8   "EFI PART"
///     12    4   length of the header, 92 or more
///     16    4   CRC-32 of the header, computed with zeros in these four bytes
///     24    8   sector of this header
///     72    8   first sector of the entries
///     80    4   number of entries
///     84    4   length of an entry, 128 or a multiple
///     88    4   CRC-32 of all entries
///
/// An entry:
///
///      0   16   type; zeros if the entry is free
///     32    8   first sector
///     40    8   last sector
enum GUIDPartitionTable {
  /// The possible sector sizes. An image does not show its sector size; 512 is by far more common.
  private static let sectorSizes: [UInt64] = [512, 4096]
  /// The types of partitions with metadata and data of Windows's dynamic disks, as stored in an
  /// entry.
  private static let dynamicDiskTypes: [[UInt8]] = [
    [
      0xaa, 0xc8, 0x08, 0x58, 0x8f, 0x7e, 0xe0, 0x42, 0x85, 0xd2, 0xe1, 0xe9, 0x04, 0x34, 0xcf,
      0xb3,
    ],
    [
      0xa0, 0x60, 0x9b, 0xaf, 0x31, 0x14, 0x62, 0x4f, 0xbc, 0x68, 0x33, 0x11, 0x71, 0x4a, 0x69,
      0xad,
    ],
  ]
  private static let minimumHeaderBytes = 92
  private static let minimumEntryBytes = 128
  /// The specification requires at least 16 KiB, and real disks have no more.
  private static let entriesLimitBytes = 1 << 18

  /// Reads the table of a disk.
  ///
  /// - Throws: ``LocalDeviceError`` if both copies are damaged.
  static func read(from disk: DiskContent) throws -> PartitionTable {
    for sectorBytes in sectorSizes {
      let last = disk.sizeBytes / sectorBytes
      for sector in [1, last == 0 ? 1 : last - 1] {
        if let table = try table(at: sector, sectorBytes, of: disk) { return table }
      }
    }
    throw LocalDeviceError(
      "the disk's GUID partition table is damaged: neither copy, at the beginning and the end of the "
        + "disk, has a valid checksum")
  }

  private static func table(
    at sector: UInt64, _ sectorBytes: UInt64, of disk: DiskContent
  ) throws -> PartitionTable? {
    let (offset, overflows) = sector.multipliedReportingOverflow(by: sectorBytes)
    guard !overflows, let header = try disk.bytes(at: offset, count: Int(sectorBytes)),
      isHeader(header, of: sector),
      let entries = try entries(of: header, sectorBytes, disk)
    else { return nil }
    let entryBytes = Int(header.integer(UInt32.self, at: 84))
    var result = PartitionTable(scheme: .guid, partitions: [], sectorBytes: sectorBytes)
    for (index, offset) in stride(from: 0, to: entries.count, by: entryBytes).enumerated() {
      let type = Array(entries[offset..<offset + 16])
      guard type.contains(where: { $0 != 0 }) else { continue }
      if let bytes = bytes(of: entries, at: offset, sectorBytes, disk) {
        result.partitions.append(
          Partition(
            number: index + 1, bytes: bytes, isDynamic: dynamicDiskTypes.contains(type)))
      } else {
        result.cutOff.append(index + 1)
      }
    }
    return result
  }

  private static func isHeader(_ bytes: [UInt8], of sector: UInt64) -> Bool {
    let length = Int(bytes.integer(UInt32.self, at: 12))
    guard bytes.contains("EFI PART", at: 0), minimumHeaderBytes...bytes.count ~= length else {
      return false
    }
    var checked = Array(bytes[..<length])
    for index in 16..<20 { checked[index] = 0 }
    return CyclicRedundancyCheck.value(of: checked) == bytes.integer(at: 16)
      && bytes.integer(UInt64.self, at: 24) == sector
  }

  private static func entries(
    of header: [UInt8], _ sectorBytes: UInt64, _ disk: DiskContent
  ) throws -> [UInt8]? {
    let count = Int(header.integer(UInt32.self, at: 80))
    let length = Int(header.integer(UInt32.self, at: 84))
    let (offset, overflows) =
      header.integer(UInt64.self, at: 72).multipliedReportingOverflow(by: sectorBytes)
    guard !overflows, minimumEntryBytes...entriesLimitBytes ~= length,
      length % minimumEntryBytes == 0, count <= entriesLimitBytes / length,
      let entries = try disk.bytes(at: offset, count: count * length),
      CyclicRedundancyCheck.value(of: entries) == header.integer(at: 88)
    else { return nil }
    return entries
  }

  /// The bytes of the partition in an entry; nil if they do not lie on the disk.
  private static func bytes(
    of entries: [UInt8], at offset: Int, _ sectorBytes: UInt64, _ disk: DiskContent
  ) -> Range<UInt64>? {
    let sectors = disk.sizeBytes / sectorBytes
    let first = entries.integer(UInt64.self, at: offset + 32)
    let last = entries.integer(UInt64.self, at: offset + 40)
    guard first > 0, first <= last, last < sectors else { return nil }
    return first * sectorBytes..<(last + 1) * sectorBytes
  }
}

/// The CRC-32 of Ethernet, zip and UEFI: polynomial 0x04C11DB7, bits reflected.
enum CyclicRedundancyCheck {
  static func value(of bytes: [UInt8]) -> UInt32 { ~remainder(of: bytes, from: ~0) }

  /// Computes the CRC without inverting start or result. `start` is the initial value.
  static func remainder(of bytes: some Sequence<UInt8>, from start: UInt32) -> UInt32 {
    bytes.reduce(start) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
        sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xedb8_8320)
      }
    }
  }
}
