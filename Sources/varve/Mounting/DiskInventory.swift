/// What there is on a disk that could be mounted: its partitions, or the disk as a whole.
struct DiskInventory {
  struct Item: Equatable, Sendable {
    /// Of the partition; nil for a disk without a table.
    let number: Int?
    let bytes: Range<UInt64>
    /// Nil where it is not known.
    let content: VolumeContent?
  }

  /// As messages call the disk.
  let name: String
  private let items: [Item]
  private let hasTable: Bool

  init(of disk: DiskContent, name: String) throws {
    self.name = name
    let table = try PartitionTable.read(from: disk)
    hasTable = table != nil
    items =
      try table.map { table in
        try table.partitions.map { partition in
          Item(
            number: partition.number, bytes: partition.bytes,
            content: try FileSystemProbe.content(of: disk.part(partition.bytes)))
        }
      } ?? [
        Item(
          number: nil, bytes: 0..<disk.sizeBytes, content: try FileSystemProbe.content(of: disk))
      ]
  }

  /// What is meant by the partition's number, or without one.
  ///
  /// - Throws: ``Failure`` where that is nothing, or not clear, with what there is.
  func item(_ number: Int?) throws(Failure) -> Item {
    let item = if let number { try numbered(number) } else { try theOnlyOne() }
    guard let content = item.content, content.isContainer else { return item }
    let what = item.number.map { "partition \($0) of \(name)" } ?? name
    throw Failure("\(what) is no file system but \(content.explanation)")
  }

  private func numbered(_ number: Int) throws(Failure) -> Item {
    guard hasTable else {
      throw Failure("\(name) has no partition table; leave out --partition to mount it whole")
    }
    guard let item = items.first(where: { $0.number == number }) else {
      throw Failure("\(name) has no partition \(number)" + listing)
    }
    return item
  }

  private func theOnlyOne() throws(Failure) -> Item {
    let fileSystems = items.filter { $0.content.map { !$0.isContainer } ?? false }
    if fileSystems.count == 1 { return fileSystems[0] }
    // What is not known here, mount(8) may know.
    if fileSystems.isEmpty, items.count == 1 { return items[0] }
    throw Failure(
      fileSystems.isEmpty
        ? "no partition of \(name) has a file system that is known here" + listing
        : "\(name) has several partitions with file systems; choose with --partition" + listing)
  }

  /// Every partition on a line of its own.
  private var listing: String {
    if items.isEmpty { return "; its partition table is empty" }
    var table = Table([.right("NUMBER"), .right("SIZE"), .left("TYPE")])
    for item in items {
      table.add([
        Cell(item.number.map(String.init) ?? ""), Cell(Quantities.bytes(UInt64(item.bytes.count))),
        Cell(item.content?.rawValue ?? "unknown"),
      ])
    }
    return ":\n" + table.lines(colours: false).joined(separator: "\n")
  }
}

extension VolumeContent {
  /// What a container is, and how one gets inside.
  fileprivate var explanation: String {
    switch self {
    case .swap: "swap space"
    case .physicalVolume:
      "a physical volume of LVM: use 'varve attach', then 'vgchange -ay' and mount(8)"
    case .luks: "encrypted: use 'varve attach', then 'cryptsetup open' and mount(8)"
    case .raid: "a member of a RAID: use 'varve attach', then 'mdadm --assemble' and mount(8)"
    default: rawValue
    }
  }
}
