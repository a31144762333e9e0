/// What there is on a disk that could be mounted: its partitions, or the disk as a whole.
struct DiskInventory {
  struct Item: Equatable, Sendable {
    /// Of the partition; nil for a disk without a table.
    let number: Int?
    let bytes: Range<UInt64>
    /// Nil where it is not known.
    let content: VolumeContent?
  }

  /// What is to be mounted.
  enum Target: Equatable, Sendable {
    case item(Item)
    /// A logical volume, `VG/LV` or `LV`; without a name the only one with a file system.
    case logicalVolume(String?)
  }

  /// As messages call the disk.
  let name: String
  /// Of the partition table, or 512.
  let sectorBytes: UInt64
  private let items: [Item]
  private let cutOff: [Int]
  private let hasTable: Bool

  /// The physical volumes of LVM on the disk.
  var physicalVolumes: [Item] { items.filter { $0.content == .physicalVolume } }

  init(of disk: DiskContent, name: String) throws {
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

  /// What is meant by the partition's number, or by the logical volume's name, or without either.
  ///
  /// - Throws: ``Failure`` where that is nothing, or not clear, with what there is.
  func target(partition: Int?, logicalVolume: String?) throws(Failure) -> Target {
    if let logicalVolume {
      guard !physicalVolumes.isEmpty else {
        throw Failure("\(name) has no physical volume of LVM" + listing)
      }
      return .logicalVolume(logicalVolume)
    }
    let item = if let partition { try numbered(partition) } else { try theOnlyOne() }
    guard let content = item.content, content.isContainer else { return .item(item) }
    if content == .physicalVolume { return .logicalVolume(nil) }
    let what = item.number.map { "partition \($0) of \(name)" } ?? name
    throw Failure("\(what) is no file system but \(content.explanation)")
  }

  private func numbered(_ number: Int) throws(Failure) -> Item {
    guard hasTable else {
      throw Failure("\(name) has no partition table; leave out --partition to mount it whole")
    }
    guard let item = items.first(where: { $0.number == number }) else {
      if cutOff.contains(number) {
        throw Failure(
          "partition \(number) of \(name) reaches past the end of the disk: the disk has been cut "
            + "short, or the table is not its own")
      }
      throw Failure("\(name) has no partition \(number)" + listing)
    }
    return item
  }

  private func theOnlyOne() throws(Failure) -> Item {
    let fileSystems = items.filter { $0.content.map { !$0.isContainer } ?? false }
    let groups = physicalVolumes
    if fileSystems.count == 1, groups.isEmpty { return fileSystems[0] }
    if fileSystems.isEmpty, let first = groups.first { return first }
    // What is not known here, mount(8) may know.
    if fileSystems.isEmpty, items.count == 1, cutOff.isEmpty { return items[0] }
    if fileSystems.isEmpty {
      throw Failure("no partition of \(name) has a file system that is known here" + listing)
    }
    throw Failure(
      (groups.isEmpty
        ? "\(name) has several partitions with file systems; choose with --partition"
        : "\(name) has file systems and logical volumes; choose with --partition or --logical-volume")
        + listing)
  }

  /// Every partition on a line of its own.
  private var listing: String {
    if items.isEmpty, cutOff.isEmpty { return "; its partition table is empty" }
    var table = Table([.right("NUMBER"), .right("SIZE"), .left("TYPE")])
    for item in items {
      table.add([
        Cell(item.number.map(String.init) ?? ""), Cell(Quantities.bytes(UInt64(item.bytes.count))),
        Cell(item.content?.rawValue ?? "unknown"),
      ])
    }
    for number in cutOff {
      table.add([Cell("\(number)"), Cell(""), Cell("reaches past the end of the disk")])
    }
    return ":\n" + table.lines(colours: false).joined(separator: "\n")
  }
}

extension VolumeContent {
  /// What a container is, and how one gets inside.
  var explanation: String {
    switch self {
    case .swap: "swap space"
    case .luks: "encrypted (LUKS): use 'varve attach', then 'cryptsetup open' and mount(8)"
    case .raid: "a member of a RAID: use 'varve attach', then 'mdadm --assemble' and mount(8)"
    case .bitLocker:
      "encrypted (BitLocker): use 'varve attach', then 'cryptsetup open --type bitlk' and mount(8)"
    case .dynamicDisk:
      "a part of a dynamic disk of Windows (LDM): use 'varve attach', then 'ldmtool create all' and "
        + "mount(8)"
    case .zfs:
      "a member of a ZFS pool: use 'varve attach --writable', then 'zpool import -R DIRECTORY'"
    case .bcache: "a device of bcache: use 'varve attach --writable', then 'bcache register'"
    case .refs: "ReFS, which Linux cannot read: boot a Windows from it, see 'varve run'"
    case .apfs: "APFS: use 'varve attach', then a program that reads it, such as apfs-fuse"
    case .vmfs: "VMFS: use 'varve attach', then a program that reads it, such as vmfs6-fuse"
    case .stratis:
      "a device of a Stratis pool: use 'varve attach --writable', then 'stratis pool start'"
    case .bluestore: "a device of Ceph's, which holds objects and no files"
    default: rawValue
    }
  }
}
