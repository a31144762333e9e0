import Testing

@testable import varve

@Suite struct DiskInventoryTests {
  private static let sectors = 4096

  /// What makes a probe see each kind of content at the beginning of a partition.
  private static let signatures: [(VolumeContent, offset: Int, bytes: [UInt8])] = [
    (.xfs, 0, Array("XFSB".utf8)), (.btrfs, 65600, Array("_BHRfS_M".utf8)),
    (.ext2, 1080, [0x53, 0xef]), (.f2fs, 1024, [0x10, 0x20, 0xf5, 0xf2]),
    (.ntfs, 3, Array("NTFS    ".utf8)), (.exfat, 3, Array("EXFAT   ".utf8)),
    (.vfat, 82, Array("FAT32   ".utf8)), (.iso9660, 32769, Array("CD001".utf8)),
    (.squashfs, 0, Array("hsqs".utf8)), (.swap, 4086, Array("SWAPSPACE2".utf8)),
    (.physicalVolume, 512, Array("LABELONE".utf8)), (.luks, 0, Array("LUKS".utf8) + [0xba, 0xbe]),
    (.raid, 4096, [0xfc, 0x4e, 0x2b, 0xa9]),
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

  @Test("on a disk without a table", arguments: signatures.map(\.0))
  func everyKindIsRecognised(content: VolumeContent) throws {
    var disk = SampleDisk(sectors: Self.sectors)
    write(content, at: 0, into: &disk)
    #expect(try FileSystemProbe.content(of: disk.content) == content)
    let inventory = try inventory(disk)
    if content.isContainer {
      #expect(throws: Failure.self) { try inventory.item(nil) }
    } else {
      let item = try inventory.item(nil)
      #expect(item.number == nil)
      #expect(item.bytes == 0..<UInt64(Self.sectors * 512))
    }
  }

  @Test(
    "generations of ext",
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
    let item = try inventory(disk([.swap, .xfs, nil])).item(nil)
    #expect(item.number == 2)
    #expect(item.content == .xfs)
    #expect(item.bytes == 1008 * 512..<2008 * 512)
  }

  @Test func ofSeveralOneIsChosen() throws {
    let inventory = try inventory(disk([.ext2, .physicalVolume, .btrfs, nil]))
    let error = try #require(throws: Failure.self) { try inventory.item(nil) }
    #expect(error.description.contains("--partition"))
    for line in [
      "1  500 KiB  ext2", "2  500 KiB  LVM2", "3  500 KiB  btrfs", "4  500 KiB  unknown",
    ] {
      #expect(error.description.contains(line), "\(error)")
    }
    #expect(try inventory.item(3).content == .btrfs)
    #expect(try inventory.item(4).content == nil)
  }

  @Test func whatCannotBeMountedSaysWhy() throws {
    let inventory = try inventory(disk([.ext2, .physicalVolume]))
    let none = try #require(throws: Failure.self) { try inventory.item(7) }
    #expect(none.description.contains("no partition 7"))
    #expect(none.description.contains("2  500 KiB  LVM2"))
    let volume = try #require(throws: Failure.self) { try inventory.item(2) }
    #expect(volume.description.contains("vgchange"))
    let empty = try self.inventory(disk([nil, .swap]))
    #expect(throws: Failure.self) { try empty.item(nil) }
  }

  @Test func aDiskWithoutATableHasNoNumbers() throws {
    var disk = SampleDisk(sectors: 100)
    write(.xfs, at: 0, into: &disk)
    let inventory = try inventory(disk)
    let error = try #require(throws: Failure.self) { try inventory.item(1) }
    #expect(error.description.contains("no partition table"))
  }

  @Test func whatIsNotKnownIsLeftToMount() throws {
    #expect(try inventory(SampleDisk(sectors: 100)).item(nil).content == nil)
    #expect(try inventory(disk([nil])).item(nil).number == 1)
  }
}
