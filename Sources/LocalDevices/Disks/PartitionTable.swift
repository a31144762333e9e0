/// A partition, according to a disk's partition table.
package struct Partition: Equatable, Sendable {
  /// The number that the kernel uses: `/dev/sda5` is number 5.
  package let number: Int
  /// The range of bytes on the disk; never empty.
  package let bytes: Range<UInt64>
  /// Whether the partition belongs to a dynamic disk of Windows, according to its type.
  package var isDynamic = false
}

/// The partition table of a disk.
package struct PartitionTable: Equatable, Sendable {
  package enum Scheme: String, Sendable {
    case masterBootRecord = "MBR"
    case guid = "GPT"
  }

  package let scheme: Scheme
  /// The partitions, by number. Empty partitions are left out.
  package var partitions: [Partition]
  /// The numbers of partitions that reach past the disk's end. They are not in ``partitions``.
  package var cutOff: [Int] = []
  /// The sector size that the table uses: 512 or 4096.
  package var sectorBytes: UInt64 = 512

  /// Reads the table of a disk; nil if it has none.
  ///
  /// - Throws: ``LocalDeviceError`` if both copies of a GUID table are damaged; errors of reading.
  package static func read(from disk: DiskContent) throws -> PartitionTable? {
    guard let record = try MasterBootRecord(of: disk) else { return nil }
    if record.isProtective { return try GUIDPartitionTable.read(from: disk) }
    let table = try record.table(of: disk, sectorBytes: 512)
    // The disk does not show the size of its sectors. So choose the size with which more partitions
    // have a known content.
    let wide = try record.table(of: disk, sectorBytes: 4096)
    if try wide.knownCount(on: disk) > table.knownCount(on: disk) { return wide }
    // The boot sector of a file system has the same signature, but no partitions.
    return table.partitions.isEmpty && table.cutOff.isEmpty ? nil : table
  }

  /// The number of partitions whose content is recognised.
  private func knownCount(on disk: DiskContent) throws -> Int {
    try partitions.filter { try FileSystemProbe.content(of: disk.part($0.bytes)) != nil }.count
  }
}
