import Administration
import LocalDevices

extension Failure {
  /// In words of the command line: what can be done, and what there is to choose from.
  init(_ error: LocalDeviceError) {
    self.init(
      .invalidRequest,
      error.description + (error.remedy?.words ?? "") + (error.listing.map(\.words) ?? ""))
  }
}

extension LocalDeviceError.Remedy {
  fileprivate var words: String {
    switch self {
    case .choosePartition: "; choose with --partition"
    case .choosePartitionOrLogicalVolume: "; choose with --partition or --logical-volume"
    case .mountWhole: "; leave out --partition to mount the whole disk"
    case .open(let content): content.advice
    case .install(let package): "; install it, for example with 'apt install \(package)'"
    }
  }
}

extension DiskInventory.Listing {
  /// Every partition on a line of its own.
  fileprivate var words: String {
    if items.isEmpty, cutOff.isEmpty { return "; its partition table is empty" }
    var table = Table([.right("NUMBER"), .right("SIZE"), .left("TYPE")])
    for item in items {
      table.add([
        Cell(item.number.map(String.init) ?? ""), Cell(Quantities.bytes(UInt64(item.bytes.count))),
        Cell(item.content?.rawValue ?? "unknown"),
      ])
    }
    for number in cutOff {
      table.add([Cell("\(number)"), Cell(""), Cell("extends past the end of the disk")])
    }
    return ":\n" + table.lines(colours: false).joined(separator: "\n")
  }
}

extension VolumeContent {
  fileprivate var advice: String {
    switch self {
    case .luks: ": use 'varve attach', then 'cryptsetup open' and mount(8)"
    case .raid: ": use 'varve attach', then 'mdadm --assemble' and mount(8)"
    case .bitLocker: ": use 'varve attach', then 'cryptsetup open --type bitlk' and mount(8)"
    case .dynamicDisk: ": use 'varve attach', then 'ldmtool create all' and mount(8)"
    case .zfs: ": use 'varve attach --writable', then 'zpool import -R DIRECTORY'"
    case .bcache: ": use 'varve attach --writable', then 'bcache register'"
    case .refs: ": start a Windows machine with it; see 'varve run'"
    case .apfs: ": use 'varve attach', then a program that reads it, such as apfs-fuse"
    case .vmfs: ": use 'varve attach', then a program that reads it, such as vmfs6-fuse"
    case .stratis: ": use 'varve attach --writable', then 'stratis pool start'"
    default: ""
    }
  }
}
