/// The content of a disk or partition, recognised by the magic number at its beginning.
package enum VolumeContent: String, Sendable, CaseIterable {
  case ext2, ext3, ext4, xfs, btrfs, f2fs, ntfs, exfat, vfat, iso9660, squashfs
  case bcachefs, jfs, reiserfs, hfsplus, erofs
  case swap
  case physicalVolume = "LVM2"
  case luks = "LUKS"
  case raid = "RAID"
  case bitLocker = "BitLocker"
  case dynamicDisk = "LDM"
  case zfs = "ZFS"
  case bcache
  case refs = "ReFS"
  case apfs = "APFS"
  case vmfs = "VMFS"
  case stratis = "Stratis"
  case bluestore = "Ceph BlueStore"

  /// Whether this is not a file system, but may contain one.
  package var isContainer: Bool {
    switch self {
    case .swap, .physicalVolume, .luks, .raid, .bitLocker, .dynamicDisk, .zfs, .bcache, .refs,
      .apfs,
      .vmfs, .stratis, .bluestore:
      true
    default: false
    }
  }

  /// The kind of container, in words.
  package var kind: String {
    switch self {
    case .swap: "swap space"
    case .luks: "encrypted (LUKS)"
    case .raid: "a member of a RAID"
    case .bitLocker: "encrypted (BitLocker)"
    case .dynamicDisk: "part of a Windows dynamic disk (LDM)"
    case .zfs: "a member of a ZFS pool"
    case .bcache: "a bcache device"
    case .refs: "ReFS, which Linux cannot read"
    case .apfs: "APFS"
    case .vmfs: "VMFS"
    case .stratis: "a member of a Stratis pool"
    case .bluestore: "a Ceph BlueStore device, which holds objects, not files"
    default: rawValue
    }
  }

  /// The type for mount(8); nil if mount(8) should choose it.
  package var mountType: String? {
    switch self {
    case .ext2, .ext3, .ext4: "ext4"
    // The kernel has had two drivers for NTFS, and there is another one for FUSE.
    case .ntfs: nil
    default: rawValue
    }
  }
}

/// Recognises file systems and containers.
package enum FileSystemProbe {
  private struct Magic {
    let content: VolumeContent
    let offsetBytes: UInt64
    let bytes: [UInt8]

    init(_ content: VolumeContent, at offsetBytes: UInt64, _ text: String = "", _ more: UInt8...) {
      self.content = content
      self.offsetBytes = offsetBytes
      bytes = Array(text.utf8) + more
    }
  }

  /// Containers come first: the magic number of an earlier file system may still be there.
  private static let magics = [
    Magic(.luks, at: 0, "LUKS", 0xba, 0xbe),
    Magic(.physicalVolume, at: 512, "LABELONE"),
    Magic(.raid, at: 4096, "", 0xfc, 0x4e, 0x2b, 0xa9),
    Magic(.raid, at: 0, "", 0xfc, 0x4e, 0x2b, 0xa9),
    Magic(.bitLocker, at: 3, "-FVE-FS-"),
    Magic(.refs, at: 3, "ReFS", 0, 0, 0, 0),
    Magic(.stratis, at: 516, "!Stra0tis"),
    Magic(.bluestore, at: 0, "bluestore block device"),
    Magic(.vmfs, at: 1 << 20, "", 0x0d, 0xd0, 0x01, 0xc0),
    Magic(.apfs, at: 32, "NXSB"),
    // The superblocks of bcache and bcachefs begin with the same bytes.
    Magic(
      .bcache, at: 4120, "", 0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f,
      0x48, 0xba, 0x6d, 0x81),
    Magic(
      .bcachefs, at: 4120, "", 0xc6, 0x85, 0x73, 0xf6, 0x66, 0xce, 0x90, 0xa9, 0xd9, 0x6a, 0x60,
      0xcf,
      0x80, 0x3d, 0xf7, 0xef),
    Magic(.swap, at: 4086, "SWAPSPACE2"),
    Magic(.xfs, at: 0, "XFSB"),
    Magic(.btrfs, at: 65600, "_BHRfS_M"),
    Magic(.ext2, at: 1080, "", 0x53, 0xef),
    Magic(.f2fs, at: 1024, "", 0x10, 0x20, 0xf5, 0xf2),
    Magic(.ntfs, at: 3, "NTFS    "),
    Magic(.exfat, at: 3, "EXFAT   "),
    Magic(.vfat, at: 54, "FAT1"),
    Magic(.vfat, at: 82, "FAT32   "),
    Magic(.iso9660, at: 32769, "CD001"),
    Magic(.squashfs, at: 0, "hsqs"),
    Magic(.erofs, at: 1024, "", 0xe2, 0xe1, 0xf5, 0xe0),
    Magic(.hfsplus, at: 1024, "H+", 0, 4),
    Magic(.jfs, at: 32768, "JFS1"),
    Magic(.reiserfs, at: 65588, "ReIsEr"),
  ]

  /// The copies of the root (uberblock) in the first label of a ZFS pool. Each has 1 KiB or more,
  /// and a magic number in either byte order; only some have been written (OpenZFS,
  /// `uberblock_impl.h`).
  private static let zfsRootsBytes = (offset: UInt64(128 << 10), count: 128 << 10, step: 1 << 10)
  private static let zfsMagic: UInt64 = 0x00ba_b10c

  /// The content of a disk or partition; nil if it is unknown or empty.
  package static func content(of disk: DiskContent) throws -> VolumeContent? {
    for magic in magics {
      let found = try disk.bytes(at: magic.offsetBytes, count: magic.bytes.count)
      guard found == magic.bytes else { continue }
      return magic.content == .ext2 ? try generation(of: disk) : magic.content
    }
    return try isZFS(disk) ? .zfs : nil
  }

  private static func isZFS(_ disk: DiskContent) throws -> Bool {
    let (offset, count, step) = zfsRootsBytes
    guard let roots = try disk.bytes(at: offset, count: count) else { return false }
    return stride(from: 0, to: count, by: step).contains { position in
      let magic = roots.integer(UInt64.self, at: position)
      return magic == zfsMagic || magic == zfsMagic.byteSwapped
    }
  }

  /// Whether a disk's first sector is the boot sector of a file system. It ends with the same bytes
  /// as a partition table.
  static func isBootSector(_ sector: [UInt8]) -> Bool {
    sector.contains("NTFS    ", at: 3) || sector.contains("EXFAT   ", at: 3)
      || sector.contains("-FVE-FS-", at: 3) || sector.contains("ReFS", at: 3)
      || sector.contains("FAT1", at: 54) || sector.contains("FAT32   ", at: 82)
  }

  /// Distinguishes ext2, ext3 and ext4, which have the same superblock. ext3 has a journal; ext4
  /// has features that the others do not know. The compatible features are at 1116, the
  /// incompatible ones at 1120, and the read-only compatible ones at 1124.
  private static func generation(of disk: DiskContent) throws -> VolumeContent {
    guard let features = try disk.bytes(at: 1116, count: 12) else { return .ext2 }
    let knownToBoth: (incompatible: UInt32, readable: UInt32) = (0x0016, 0x0007)
    let incompatible = features.integer(UInt32.self, at: 4)
    let readable = features.integer(UInt32.self, at: 8)
    if incompatible & ~knownToBoth.incompatible != 0 || readable & ~knownToBoth.readable != 0 {
      return .ext4
    }
    return features.integer(UInt32.self, at: 0) & 0x0004 != 0 ? .ext3 : .ext2
  }
}
