import Testing

@testable import LocalDevices

@Suite struct DiskInventoryTests {
  private static let sectors = 4096

  /// For each kind of content, the bytes at the beginning of a partition by which the probe
  /// recognises it.
  private static let signatures: [(VolumeContent, offset: Int, bytes: [UInt8])] = [
    (.xfs, 0, Array("XFSB".utf8)), (.btrfs, 65600, Array("_BHRfS_M".utf8)),
    (.ext2, 1080, [0x53, 0xef]), (.f2fs, 1024, [0x10, 0x20, 0xf5, 0xf2]),
    (.ntfs, 3, Array("NTFS    ".utf8)), (.exfat, 3, Array("EXFAT   ".utf8)),
    (.vfat, 82, Array("FAT32   ".utf8)), (.iso9660, 32769, Array("CD001".utf8)),
    (.squashfs, 0, Array("hsqs".utf8)), (.swap, 4086, Array("SWAPSPACE2".utf8)),
    (.physicalVolume, 512, Array("LABELONE".utf8)), (.luks, 0, Array("LUKS".utf8) + [0xba, 0xbe]),
    (.raid, 4096, [0xfc, 0x4e, 0x2b, 0xa9]), (.bitLocker, 3, Array("-FVE-FS-".utf8)),
    (.zfs, 133 << 10, [0x0c, 0xb1, 0xba, 0, 0, 0, 0, 0]),
    (.refs, 3, Array("ReFS".utf8) + [0, 0, 0, 0]), (.apfs, 32, Array("NXSB".utf8)),
    (
      .bcachefs, 4120,
      [
        0xc6, 0x85, 0x73, 0xf6, 0x66, 0xce, 0x90, 0xa9, 0xd9, 0x6a, 0x60, 0xcf, 0x80, 0x3d, 0xf7,
        0xef,
      ]
    ), (.jfs, 32768, Array("JFS1".utf8)), (.reiserfs, 65588, Array("ReIsEr2Fs".utf8)),
    (.stratis, 516, Array("!Stra0tis".utf8)), (.erofs, 1024, [0xe2, 0xe1, 0xf5, 0xe0]),
  ]

  private func disk(_ contents: [VolumeContent?]) -> SampleDisk {
    var disk = SampleDisk(sectors: Self.sectors)
    for (index, content) in contents.enumerated() {
      let first = 8 + 1000 * index
      disk.writeEntry(index, type: 0x83, first: UInt32(first), count: 1000)
      if let content { write(content, at: first * 512, into: &disk) }
    }
    return disk
  }

  private func write(_ content: VolumeContent, at offset: Int, into disk: inout SampleDisk) {
    let signature = Self.signatures.first { $0.0 == content }!
    disk.write(signature.bytes, at: offset + signature.offset)
  }

  private func inventory(_ disk: SampleDisk) throws -> DiskInventory {
    try DiskInventory(of: disk.content, name: "web01@1f3a")
  }

  private func item(
    of inventory: DiskInventory, _ partition: Int? = nil
  ) throws -> DiskInventory.Item {
    let target = try inventory.target(partition: partition, logicalVolume: nil)
    guard case .item(let item) = target else { throw LocalDeviceError("\(target)") }
    return item
  }

  @Test("Content of a disk without a partition table", arguments: signatures.map(\.0))
  func everyKindIsRecognised(content: VolumeContent) throws {
    var disk = SampleDisk(sectors: Self.sectors)
    write(content, at: 0, into: &disk)
    #expect(try FileSystemProbe.content(of: disk.content) == content)
    let inventory = try inventory(disk)
    if content == .physicalVolume {
      #expect(try inventory.target(partition: nil, logicalVolume: nil) == .logicalVolume(nil))
    } else if content.isContainer {
      #expect(throws: LocalDeviceError.self) { try item(of: inventory) }
    } else {
      let item = try item(of: inventory)
      #expect(item.number == nil)
      #expect(item.bytes == 0..<UInt64(Self.sectors * 512))
    }
  }

  @Test(
    "The generations of ext",
    arguments: [
      ([UInt32(0x38), 0x2, 0x3], VolumeContent.ext2), ([0x3c, 0x6, 0x3], .ext3),
      ([0x3c, 0x2c2, 0x46b], .ext4), ([0, 0x40, 0], .ext4),
    ])
  func generations(features: [UInt32], content: VolumeContent) throws {
    var disk = SampleDisk(sectors: 100)
    write(.ext2, at: 0, into: &disk)
    for (index, feature) in features.enumerated() { disk.write(feature, at: 1116 + 4 * index) }
    #expect(try FileSystemProbe.content(of: disk.content) == content)
  }

  @Test func theOnlyFileSystemNeedsNoNumber() throws {
    let item = try item(of: inventory(disk([.swap, .xfs, nil])))
    #expect(item.number == 2)
    #expect(item.content == .xfs)
    #expect(item.bytes == 1008 * 512..<2008 * 512)
  }

  @Test func ofSeveralOneIsChosen() throws {
    let inventory = try inventory(disk([.ext2, .physicalVolume, .btrfs, nil]))
    let error = try #require(throws: LocalDeviceError.self) { try item(of: inventory) }
    #expect(error.remedy == .choosePartitionOrLogicalVolume)
    #expect(error.listing?.items.map(\.number) == [1, 2, 3, 4])
    #expect(error.listing?.items.map(\.content) == [.ext2, .physicalVolume, .btrfs, nil])
    #expect(try item(of: inventory, 3).content == .btrfs)
    #expect(try item(of: inventory, 4).content == nil)
  }

  @Test func whatCannotBeMountedSaysWhy() throws {
    let inventory = try inventory(disk([.ext2, .physicalVolume]))
    let none = try #require(throws: LocalDeviceError.self) { try item(of: inventory, 7) }
    #expect(none.description.contains("no partition 7"))
    #expect(none.listing?.items.last?.content == .physicalVolume)
    #expect(try inventory.target(partition: 2, logicalVolume: nil) == .logicalVolume(nil))
    #expect(inventory.physicalVolumes.map(\.number) == [2])
    let locked = try self.inventory(disk([.bitLocker]))
    let key = try #require(throws: LocalDeviceError.self) { try item(of: locked, 1) }
    #expect(key.remedy == .open(.bitLocker))
    let empty = try self.inventory(disk([nil, .swap]))
    #expect(throws: LocalDeviceError.self) { try item(of: empty) }
  }

  @Test func aPartitionThatIsCutOffIsNamed() throws {
    var disk = disk([.ext2])
    disk.writeEntry(1, type: 0x83, first: 4000, count: 1000)
    let inventory = try inventory(disk)
    #expect(try item(of: inventory).number == 1)
    let cut = try #require(throws: LocalDeviceError.self) { try item(of: inventory, 2) }
    #expect(cut.description.contains("past the end of the disk"))
    // The table belongs to a larger disk: no partition lies on this one.
    var other = SampleDisk(sectors: 100)
    other.writeEntry(0, type: 0x83, first: 2048, count: 1000)
    let nothing = try self.inventory(other)
    let none = try #require(throws: LocalDeviceError.self) { try item(of: nothing) }
    #expect(none.listing?.cutOff == [1])
  }

  @Test func sectorsOf4096BytesAreRecognisedByWhatLiesInThem() throws {
    var disk = SampleDisk(sectors: 4096)
    disk.writeEntry(0, type: 0x83, first: 16, count: 100)
    write(.ext2, at: 16 * 4096, into: &disk)
    let inventory = try inventory(disk)
    #expect(inventory.sectorBytes == 4096)
    #expect(try item(of: inventory).bytes == 16 * 4096..<116 * 4096)
  }

  @Test func dynamicDisksOfWindowsAreNamed() throws {
    var disk = SampleDisk(sectors: Self.sectors)
    disk.writeEntry(0, type: 0x42, first: 63, count: 1000)
    let inventory = try inventory(disk)
    let error = try #require(throws: LocalDeviceError.self) { try item(of: inventory) }
    #expect(error.description.contains("LDM"))
  }

  @Test func logicalVolumesNeedAPhysicalOne() throws {
    let inventory = try inventory(disk([.ext2]))
    let error = try #require(throws: LocalDeviceError.self) {
      try inventory.target(partition: nil, logicalVolume: "vg0/root")
    }
    #expect(error.description.contains("no LVM physical volume"))
    #expect(
      try self.inventory(disk([.physicalVolume])).target(partition: nil, logicalVolume: "a")
        == .logicalVolume("a"))
  }

  @Test func aDiskWithoutATableHasNoNumbers() throws {
    var disk = SampleDisk(sectors: 100)
    write(.xfs, at: 0, into: &disk)
    let inventory = try inventory(disk)
    let error = try #require(throws: LocalDeviceError.self) { try item(of: inventory, 1) }
    #expect(error.description.contains("no partition table"))
    #expect(error.remedy == .mountWhole)
  }

  @Test func whatIsNotKnownIsLeftToMount() throws {
    #expect(try item(of: inventory(SampleDisk(sectors: 100))).content == nil)
    #expect(try item(of: inventory(disk([nil]))).number == 1)
  }
}
