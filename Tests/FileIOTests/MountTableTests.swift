import Testing

@testable import FileIO

@Suite struct MountTableTests {
  static let lines: [Substring] = [
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
    #"41 35 8:17 / /srv/a\040b\134c rw - ext4 /dev/sdb1 rw"#,
    "42 35 0:55 / /data rw shared:3 master:4 - btrfs btrfs-volume rw",
    "not a line of this file",
    "43 35 8:33 / /torn",
  ]

  @Test(arguments: [
    ("98:0", "/mnt2"), ("8:17", #"/srv/a b\c"#), ("0:55", "/data"), ("8:33", nil), ("8:1", nil),
  ])
  func findsMountsByNumber(device: String, mountPoint: String?) throws {
    let number = try #require(DeviceNumber(device))
    #expect(MountTable(lines: Self.lines).mount(of: number)?.mountPoint == mountPoint)
  }

  @Test func thisMachinesTableIsUnderstood() throws {
    let table = try MountTable.current()
    #expect(table.mounts.contains { $0.mountPoint == "/" })
    #expect(table.mounts.contains { $0.mountPoint == "/proc" })
  }

  /// The encoding of makedev(3), from the lowest bit: 8 bits of the minor number, 12 bits of the
  /// major number, 24 more bits of the minor number, 20 more bits of the major number.
  @Test(
    arguments: [
      (0x0801, 8, 1), (0xfd03, 253, 3), (0x1_0300, 259, 0), (0x1234_5678, 0x456, 0x1_2378),
      (0xabcd_e000_0000_0801, 0xabcd_e008, 1),
    ] as [(UInt64, UInt64, UInt64)])
  func unpacksDeviceNumbers(packed: UInt64, major: UInt64, minor: UInt64) {
    #expect(DeviceNumber(packed: packed) == DeviceNumber(major: major, minor: minor))
  }
}
