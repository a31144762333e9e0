/// A part of a disk, as its partition table has it.
package struct Partition: Equatable, Sendable {
  /// As the kernel counts: `/dev/sda5` is number 5.
  package let number: Int
  /// Within the disk; never empty.
  package let bytes: Range<UInt64>
  /// Whether the table says that it belongs to a dynamic disk of Windows.
  package var isDynamic = false
}

/// What the partition table of a disk says, where it has one.
package struct PartitionTable: Equatable, Sendable {
  package enum Scheme: String, Sendable {
    case masterBootRecord = "MBR"
    case guid = "GPT"
  }

  package let scheme: Scheme
  /// By number. One that has no length is left out.
  package var partitions: [Partition]
  /// Numbers of those that reach past the disk's end, which are not among the others.
  package var cutOff: [Int] = []
  /// What the table counts in: 512 or 4096.
  package var sectorBytes: UInt64 = 512

  /// Reads the table of a disk; nil where it has none.
  ///
  /// - Throws: ``LocalDeviceError`` for a GUID table whose both copies are damaged, and what reading throws.
  package static func read(from disk: DiskContent) throws -> PartitionTable? {
    guard let record = try MasterBootRecord(of: disk) else { return nil }
    if record.isProtective { return try GUIDPartitionTable.read(from: disk) }
    let table = try record.table(of: disk, sectorBytes: 512)
    // Nothing on the disk says which sectors are meant; what is at the beginning of partitions may.
    let wide = try record.table(of: disk, sectorBytes: 4096)
    if try wide.knownCount(on: disk) > table.knownCount(on: disk) { return wide }
    // A boot sector of a file system has the same signature and no partitions in it.
    return table.partitions.isEmpty && table.cutOff.isEmpty ? nil : table
  }

  /// Partitions whose content is recognised.
  private func knownCount(on disk: DiskContent) throws -> Int {
    try partitions.filter { try FileSystemProbe.content(of: disk.part($0.bytes)) != nil }.count
  }
}
