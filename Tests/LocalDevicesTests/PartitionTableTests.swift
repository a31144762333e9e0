import TestSupport
import Testing

@testable import LocalDevices

@Suite struct PartitionTableTests {
  private func partitions(_ disk: SampleDisk) throws -> [Partition]? {
    try PartitionTable.read(from: disk.content)?.partitions
  }

  private func partition(_ number: Int, _ sectors: Range<Int>, of sectorBytes: Int = 512)
    -> Partition
  {
    Partition(
      number: number,
      bytes: UInt64(sectors.lowerBound * sectorBytes)..<UInt64(sectors.upperBound * sectorBytes))
  }

  @Test func theChecksumIsThatOfEveryoneElse() {
    #expect(CyclicRedundancyCheck.value(of: Array("123456789".utf8)) == 0xcbf4_3926)
    #expect(CyclicRedundancyCheck.value(of: []) == 0)
  }

  @Test("Disks without a table", arguments: [0, 1, 511, 512, 100_000])
  func emptyDisks(size: Int) throws {
    let disk = DiskContent(sizeBytes: UInt64(size)) { [UInt8](repeating: 0, count: $0.count) }
    #expect(try PartitionTable.read(from: disk) == nil)
  }

  // MARK: MBR

  @Test func primaryPartitionsKeepTheirNumbers() throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeEntry(1, type: 0x83, first: 8, count: 100)
    disk.writeEntry(3, type: 0x07, first: 200, count: 800)
    #expect(try partitions(disk) == [partition(2, 8..<108), partition(4, 200..<1000)])
    #expect(try PartitionTable.read(from: disk.content)?.scheme == .masterBootRecord)
  }

  @Test func logicalPartitionsCountFromFive() throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeEntry(0, type: 0x83, first: 1, count: 50)
    disk.writeEntry(1, type: 0x0f, first: 100, count: 800)
    disk.writeEntry(0, type: 0x83, first: 2, count: 98, sector: 100)
    disk.writeEntry(1, type: 0x05, first: 100, count: 200, sector: 100)
    disk.writeEntry(0, type: 0x83, first: 2, count: 198, sector: 200)
    // From the third link on, the last link is not the beginning of the extended partition.
    disk.writeEntry(1, type: 0x05, first: 300, count: 100, sector: 200)
    disk.writeEntry(0, type: 0x83, first: 2, count: 98, sector: 400)
    #expect(
      try partitions(disk) == [
        partition(1, 1..<51), partition(5, 102..<200), partition(6, 202..<400),
        partition(7, 402..<500),
      ])
  }

  @Test func aChainInACircleEnds() throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeEntry(0, type: 0x05, first: 100, count: 800)
    disk.writeEntry(0, type: 0x83, first: 1, count: 9, sector: 100)
    disk.writeEntry(1, type: 0x05, first: 0, count: 10, sector: 100)
    let found = try #require(try partitions(disk))
    #expect(found.count == 100)
  }

  @Test func whatDoesNotLieOnTheDiskIsLeftOut() throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeEntry(0, type: 0x83, first: 10, count: 10)
    disk.writeEntry(1, type: 0x83, first: 999, count: 2)
    disk.writeEntry(2, type: 0x83, first: .max, count: .max)
    disk.writeEntry(3, type: 0x0f, first: .max, count: .max)
    #expect(try partitions(disk) == [partition(1, 10..<20)])
  }

  @Test(
    "Boot sectors of file systems",
    arguments: [("NTFS    ", 3), ("FAT16   ", 54), ("FAT32   ", 82)])
  func bootSectorsAreNoTables(name: String, offset: Int) throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeEntry(0, type: 0x83, first: 10, count: 10)
    disk.write(name, at: offset)
    #expect(try partitions(disk) == nil)
  }

  @Test func aBootFlagThatIsNoneMeansThatThereIsNoTable() throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeEntry(0, type: 0x83, first: 10, count: 10)
    disk.write([0x80], at: 446)
    #expect(try partitions(disk)?.count == 1)
    disk.write([0x12], at: 446 + 32)
    #expect(try partitions(disk) == nil)
  }

  // MARK: GPT

  @Test("Sectors of 512 and 4096 bytes", arguments: [512, 4096])
  func partitionsOfAGUIDTable(sectorBytes: Int) throws {
    var disk = SampleDisk(sectors: 1000, sectorBytes: sectorBytes)
    disk.writeGUIDTable([(40, 99), nil, (100, 100), nil])
    #expect(
      try partitions(disk) == [
        partition(1, 40..<100, of: sectorBytes), partition(3, 100..<101, of: sectorBytes),
      ])
    #expect(try PartitionTable.read(from: disk.content)?.scheme == .guid)
  }

  @Test func theCopyAtTheEndStandsIn() throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeGUIDTable([(40, 99)])
    disk.write([0xff], at: 2 * 512 + 40)
    #expect(try partitions(disk) == [partition(1, 40..<100)])
    disk.write([0xff], at: 512)
    #expect(try partitions(disk) == [partition(1, 40..<100)])
    disk.write([0xff], at: 999 * 512 + 30)
    #expect(throws: LocalDeviceError.self) { try partitions(disk) }
  }

  @Test func entriesThatDoNotLieOnTheDiskAreLeftOut() throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeGUIDTable([
      (40, 39), (0, 5), (999, 1000), (.max, .max), (5, .max), (50, 60), (.max, 1),
    ])
    #expect(try partitions(disk) == [partition(6, 50..<61)])
  }

  /// Headers with a right checksum and false fields.
  @Test(
    "Headers with false fields",
    arguments: [
      (12, UInt64(91)), (12, 0xffff_ffff), (72, .max), (72, 1 << 55), (72, 999), (80, 0xffff_ffff),
      (84, 0), (84, 127), (84, 129), (84, 0xffff_ff80),
    ])
  func headersThatLie(offset: Int, value: UInt64) throws {
    var disk = SampleDisk(sectors: 1000)
    disk.writeGUIDTable([(40, 99)])
    for sector in [1, 999] {
      let isWide = offset == 72
      if isWide {
        disk.write(value, at: sector * 512 + offset)
      } else {
        disk.write(UInt32(value), at: sector * 512 + offset)
      }
      disk.sealHeader(sector: sector)
    }
    #expect(throws: LocalDeviceError.self) { try partitions(disk) }
  }

  @Test func anyBytesAtAllAreRead() throws {
    for seed in 0..<300 {
      var random = SeededRandom(seed: UInt64(seed))
      var disk = SampleDisk(sectors: 64)
      if seed.isMultiple(of: 2) { disk.writeGUIDTable([(6, 9), (10, 20)]) }
      if seed.isMultiple(of: 3) { disk.writeEntry(0, type: 5, first: 3, count: 60) }
      for _ in 0..<Int.random(in: 1...200, using: &random) {
        disk.write(
          [UInt8.random(in: 0...255, using: &random)],
          at: Int.random(in: 0..<disk.bytes.count, using: &random))
      }
      disk.write([0x55, 0xaa], at: 510)
      for sector in [1, 63] where seed.isMultiple(of: 2) { disk.sealHeader(sector: sector) }
      let found = (try? partitions(disk)) ?? []
      for partition in found {
        #expect(!partition.bytes.isEmpty && partition.bytes.upperBound <= 64 * 512, "seed \(seed)")
      }
    }
  }
}
