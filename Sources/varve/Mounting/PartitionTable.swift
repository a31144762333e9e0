/// A part of a disk, as its partition table has it.
struct Partition: Equatable, Sendable {
  /// As the kernel counts: `/dev/sda5` is number 5.
  let number: Int
  /// Within the disk; never empty.
  let bytes: Range<UInt64>
}

/// What the partition table of a disk says, where it has one.
struct PartitionTable: Equatable, Sendable {
  enum Scheme: String, Sendable {
    case masterBootRecord = "MBR"
    case guid = "GPT"
  }

  let scheme: Scheme
  /// By number. One that reaches past the disk's end, or has no length, is left out.
  let partitions: [Partition]

  /// Reads the table of a disk; nil where it has none.
  ///
  /// - Throws: ``Failure`` for a GUID table whose both copies are damaged, and what reading throws.
  static func read(from disk: DiskContent) throws -> PartitionTable? {
    guard let record = try MasterBootRecord(of: disk) else { return nil }
    if record.isProtective { return try GUIDPartitionTable.read(from: disk) }
    let partitions = try record.partitions(of: disk)
    // A boot sector of a file system has the same signature and no partitions in it.
    if partitions.isEmpty { return nil }
    return PartitionTable(scheme: .masterBootRecord, partitions: partitions)
  }
}
