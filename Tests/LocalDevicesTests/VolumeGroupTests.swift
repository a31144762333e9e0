import Testing

@testable import LocalDevices

@Suite struct VolumeGroupTests {
  private static let identifier = "Q5bPrC-Ur7L-sZx2-4JAe-lTn6-3yWd-m0cDmS"
  private static let text = """
    vg0 {
    id = "\(identifier)"
    seqno = 3
    flags = []
    system_id = "db.example"
    physical_volumes {

    pv0 {
    id = "\(identifier)"
    device_id = "\(identifier)"
    flags = []
    }
    }
    }
    """

  private let identity = VolumeGroupIdentity(key: "nbd0")

  private func renamed(_ text: String) throws -> String? {
    try VolumeGroupText(Array(text.utf8))
      .map { String(decoding: try $0.renamed(to: identity), as: UTF8.self) }
  }

  @Test func theTextHasANewNameAndNewIdentifiers() throws {
    let renamed = try #require(try renamed(Self.text))
    let lines = renamed.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0] == "vg0.nbd0 {")
    #expect(lines[1].hasPrefix("id = \"") && lines[1] != "id = \"\(Self.identifier)\"")
    #expect(lines[1].count == "id = \"\(Self.identifier)\"".count)
    #expect(lines[2...4] == ["seqno = 3", "flags = [\"NOAUTOACTIVATE\"]", "physical_volumes {"])
    // Equal identifiers become equal identifiers, and only identifiers are changed.
    #expect(lines[7] == lines[1])
    #expect(lines[8] == "device_id = \"\(Self.identifier)\"")
    #expect(lines[9] == "flags = []")
  }

  @Test func anotherKeyGivesOtherIdentifiers() throws {
    let identifier = Array(repeating: UInt8(ascii: "a"), count: 32)
    let first = try identity.identifier(for: identifier)
    #expect(try first == identity.identifier(for: identifier))
    #expect(try first != VolumeGroupIdentity(key: "nbd1").identifier(for: identifier))
    #expect(first.count == 32)
  }

  @Test func aLongNameStaysWithinTheLimit() {
    let name = identity.name(for: Array(repeating: UInt8(ascii: "v"), count: 127))
    #expect(name.count == 127)
    #expect(name.suffix(5).elementsEqual(".nbd0".utf8))
  }

  @Test(arguments: ["", "\n", "vg0", "{", "vg 0 {", "vg\u{0} {", "é {\n"])
  func whatIsNoTextIsLeftAlone(text: String) throws { #expect(try renamed(text) == nil) }

  @Test func textsThatAreCutAnywhereAreHarmless() throws {
    for count in 0...Self.text.utf8.count {
      _ = try VolumeGroupText(Array(Self.text.utf8.prefix(count)))?.renamed(to: identity)
    }
  }

  // MARK: On a disk

  /// A label in the second sector, and an area of metadata with a text that reaches the end of the
  /// area and continues at its beginning.
  private func disk(areaBytes: UInt64 = 8192) -> SampleDisk {
    var disk = SampleDisk(sectors: 64)
    let text = Array(Self.text.utf8) + [0]
    let offset = areaBytes - 100
    disk.write(text.prefix(100), at: 4096 + Int(offset))
    disk.write(text.dropFirst(100), at: 4096 + 512)
    disk.write(" LVM2 x[5A%r0N*>", at: 4096 + 4)
    for (position, value) in [(24, 4096), (32, areaBytes), (40, offset), (48, UInt64(text.count))] {
      disk.write(value, at: 4096 + position)
    }
    disk.write(PhysicalVolume.checksum(of: text[...]), at: 4096 + 56)
    disk.write(PhysicalVolume.checksum(of: disk.bytes[4100..<4608]), at: 4096)
    disk.write("LABELONE", at: 512)
    disk.write(UInt64(1), at: 520)
    disk.write(UInt32(32), at: 532)
    disk.write("LVM2 001", at: 536)
    disk.write(Array(Self.identifier.utf8.filter { $0 != UInt8(ascii: "-") }), at: 544)
    for (position, value) in [(584, UInt64(1 << 20)), (616, 4096), (624, areaBytes)] {
      disk.write(value, at: position)
    }
    disk.write(PhysicalVolume.checksum(of: disk.bytes[532..<1024]), at: 528)
    return disk
  }

  @Test func theDiskIsOneThatLVMWouldRead() throws {
    var disk = disk()
    let volume = try #require(try PhysicalVolume(on: disk.content))
    let changes = try volume.changes(to: identity)
    #expect(changes.map(\.offsetBytes) == [512, 4096, 4608])
    for change in changes { disk.write(change.bytes, at: Int(change.offsetBytes)) }
    // After the change, the volume is found again, with the whole text after the header.
    let again = try #require(try PhysicalVolume(on: disk.content))
    #expect(try again.changes(to: identity).count == 3)
    #expect(String(decoding: disk.bytes[4608..<4616], as: UTF8.self) == "vg0.nbd0")
    let own = try identity.identifier(
      for: Self.identifier.utf8.filter { $0 != UInt8(ascii: "-") })
    #expect(disk.bytes[544..<576].elementsEqual(own))
  }

  @Test func damagedMetadataIsLeftAlone() throws {
    for offset in [4096, 4100, 4150, 4608, 4096 + 8192 - 50] {
      var disk = disk()
      disk.write(disk.bytes[offset] ^ 1, at: offset)
      #expect(try PhysicalVolume(on: disk.content)?.changes(to: identity).count == 1)
    }
    var disk = disk()
    disk.write(disk.bytes[560] ^ 1, at: 560)
    #expect(try PhysicalVolume(on: disk.content) == nil)
  }

  @Test func sizesAndOffsetsBeyondEverythingAreHarmless() throws {
    for (position, value) in [
      (24, UInt64.max), (32, .max), (40, .max), (48, .max), (40, 0), (32, 1),
    ] {
      var disk = disk()
      disk.write(value, at: 4096 + position)
      disk.write(PhysicalVolume.checksum(of: disk.bytes[4100..<4608]), at: 4096)
      _ = try PhysicalVolume(on: disk.content)?.changes(to: identity)
    }
    var disk = disk()
    for position in stride(from: 584, through: 1008, by: 8) { disk.write(UInt64.max, at: position) }
    disk.write(UInt64(0), at: 600)
    disk.write(PhysicalVolume.checksum(of: disk.bytes[532..<1024]), at: 528)
    #expect(try PhysicalVolume(on: disk.content)?.changes(to: identity).count == 1)
  }

  /// Every number of the area's header, and of the label, at its extremes and around what is there.
  @Test func hostileNumbersAreHarmless() throws {
    let values: [UInt64] = [
      0, 511, 512, 513, 8192, 8193, 1 << 31, 1 << 63, .max - 511, .max,
    ]
    for position in stride(from: 24, through: 48, by: 8) {
      for other in stride(from: 24, through: 48, by: 8) {
        for (value, second) in values.flatMap({ value in values.map { (value, $0) } }) {
          var disk = disk()
          disk.write(value, at: 4096 + position)
          disk.write(second, at: 4096 + other)
          disk.write(PhysicalVolume.checksum(of: disk.bytes[4100..<4608]), at: 4096)
          let changes = try #require(try PhysicalVolume(on: disk.content)).changes(to: identity)
          for change in changes {
            #expect(
              change.offsetBytes + UInt64(change.bytes.count) <= UInt64(disk.bytes.count),
              "\(position): \(value), \(other): \(second)")
          }
        }
      }
    }
    for value in values {
      var disk = disk()
      disk.write(value, at: 616)
      disk.write(PhysicalVolume.checksum(of: disk.bytes[532..<1024]), at: 528)
      _ = try PhysicalVolume(on: disk.content)?.changes(to: identity)
    }
  }

  /// A label that names one area again and again costs no more than one of LVM's.
  @Test func areasBeyondThoseOfLVMAreLeftAlone() throws {
    var disk = disk()
    for position in stride(from: 616, through: 1008, by: 16) {
      disk.write(UInt64(4096), at: position)
      disk.write(UInt64(8192), at: position + 8)
    }
    disk.write(PhysicalVolume.checksum(of: disk.bytes[532..<1024]), at: 528)
    let volume = try #require(try PhysicalVolume(on: disk.content))
    #expect(try volume.changes(to: identity).count == 1 + 2 * 2)
  }

  /// The peak would be half a gigabyte with a list of the lines.
  @Test func aTextOfManyLinesIsRenamed() throws {
    let text = Array("vg0 {\n".utf8) + [UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20)
    let renamed = try #require(VolumeGroupText(text)).renamed(to: identity)
    #expect(renamed.count == text.count + ".nbd0".utf8.count)
    #expect(renamed.starts(with: Array("vg0.nbd0 {\n\n".utf8)))
  }

  // MARK: What lvs prints

  @Test func linesOfLVSAreUnderstood() {
    let line =
      "  LVM2_VG_NAME=vg0.nbd0|LVM2_LV_NAME=root|LVM2_LV_SIZE=25165824|LVM2_LV_PATH=/dev/vg0.nbd0/root"
      + "|LVM2_LV_DM_PATH=/dev/mapper/vg0.nbd0-root|LVM2_LV_ACTIVE=active"
    #expect(
      LogicalVolumeTools.volume(line)
        == .init(
          group: "vg0.nbd0", name: "root", sizeBytes: 25_165_824, path: "/dev/vg0.nbd0/root",
          mapperPath: "/dev/mapper/vg0.nbd0-root"))
    #expect(LogicalVolumeTools.volume("  WARNING: VG vg0 is missing PV =|=") == nil)
    #expect(LogicalVolumeTools.volume(line.replacing("=active", with: "=")) == nil)
  }
}
