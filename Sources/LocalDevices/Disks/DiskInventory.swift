/// The parts of a disk that may be mounted: its partitions, or the whole disk.
package struct DiskInventory {
  package struct Item: Hashable, Sendable {
    /// The number of the partition; nil for a disk without a partition table.
    package let number: Int?
    package let bytes: Range<UInt64>
    /// The content; nil if it is not known.
    package let content: VolumeContent?

    package init(number: Int?, bytes: Range<UInt64>, content: VolumeContent?) {
      self.number = number
      self.bytes = bytes
      self.content = content
    }
  }

  /// The item to mount.
  package enum Target: Equatable, Sendable {
    case item(Item)
    /// A logical volume, `VG/LV` or `LV`. Without a name, the only one that has a file system.
    case logicalVolume(String?)
  }

  /// The items of a disk, from which the user can choose.
  package struct Listing: Sendable, Hashable {
    package let items: [Item]
    /// The numbers of the partitions that reach past the disk's end.
    package let cutOff: [Int]

    package init(items: [Item], cutOff: [Int]) {
      self.items = items
      self.cutOff = cutOff
    }
  }

  /// The name of the disk in messages.
  let name: String
  /// The sector size of the partition table; 512 if there is none.
  package let sectorBytes: UInt64
  private let items: [Item]
  private let cutOff: [Int]
  private let hasTable: Bool

  /// The physical volumes of LVM on the disk.
  package var physicalVolumes: [Item] { items.filter { $0.content == .physicalVolume } }

  package init(of disk: DiskContent, name: String) throws {
    self.name = name
    let table = try PartitionTable.read(from: disk)
    hasTable = table != nil
    sectorBytes = table?.sectorBytes ?? 512
    cutOff = table?.cutOff ?? []
    items =
      try table.map { table in
        try table.partitions.map { partition in
          Item(
            number: partition.number, bytes: partition.bytes,
            content: try FileSystemProbe.content(of: disk.part(partition.bytes))
              ?? (partition.isDynamic ? .dynamicDisk : nil))
        }
      } ?? [
        Item(
          number: nil, bytes: 0..<disk.sizeBytes, content: try FileSystemProbe.content(of: disk))
      ]
  }

  /// The item for a partition's number or a logical volume's name. Without either, the only
  /// possible item.
  ///
  /// - Throws: ``LocalDeviceError`` if there is no such item, or if several are possible. The error
  ///   lists the items.
  package func target(partition: Int?, logicalVolume: String?) throws(LocalDeviceError) -> Target {
    if let logicalVolume {
      guard !physicalVolumes.isEmpty else {
        throw LocalDeviceError("\(name) has no LVM physical volume", listing: listing)
      }
      return .logicalVolume(logicalVolume)
    }
    let item = if let partition { try numbered(partition) } else { try theOnlyOne() }
    guard let content = item.content, content.isContainer else { return .item(item) }
    if content == .physicalVolume { return .logicalVolume(nil) }
    let what = item.number.map { "partition \($0) of \(name)" } ?? name
    throw LocalDeviceError(
      "\(what) is not a file system but \(content.kind)", remedy: .open(content))
  }

  private func numbered(_ number: Int) throws(LocalDeviceError) -> Item {
    guard hasTable else {
      throw LocalDeviceError("\(name) has no partition table", remedy: .mountWhole)
    }
    guard let item = items.first(where: { $0.number == number }) else {
      if cutOff.contains(number) {
        throw LocalDeviceError(
          "partition \(number) of \(name) extends past the end of the disk: the disk was shrunk, or the "
            + "partition table belongs to another disk")
      }
      throw LocalDeviceError("\(name) has no partition \(number)", listing: listing)
    }
    return item
  }

  private func theOnlyOne() throws(LocalDeviceError) -> Item {
    let fileSystems = items.filter { $0.content.map { !$0.isContainer } ?? false }
    let groups = physicalVolumes
    if fileSystems.count == 1, groups.isEmpty { return fileSystems[0] }
    if fileSystems.isEmpty, let first = groups.first { return first }
    // mount(8) may recognise contents that are not known here.
    if fileSystems.isEmpty, items.count == 1, cutOff.isEmpty { return items[0] }
    if fileSystems.isEmpty {
      throw LocalDeviceError(
        "no partition of \(name) has a file system that varve knows", listing: listing)
    }
    throw groups.isEmpty
      ? LocalDeviceError(
        "\(name) has several partitions with file systems", remedy: .choosePartition,
        listing: listing)
      : LocalDeviceError(
        "\(name) has file systems and logical volumes", remedy: .choosePartitionOrLogicalVolume,
        listing: listing)
  }

  private var listing: Listing { Listing(items: items, cutOff: cutOff) }
}
