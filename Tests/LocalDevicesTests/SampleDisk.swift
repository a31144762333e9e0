@testable import LocalDevices

/// A small disk in memory. A test writes its sectors.
struct SampleDisk {
  private(set) var bytes: [UInt8]
  let sectorBytes: Int

  init(sectors: Int, sectorBytes: Int = 512) {
    self.sectorBytes = sectorBytes
    bytes = [UInt8](repeating: 0, count: sectors * sectorBytes)
  }

  var content: DiskContent {
    DiskContent(sizeBytes: UInt64(bytes.count)) { range in
      Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }
  }

  mutating func write(_ new: some Collection<UInt8>, at offset: Int) {
    bytes.replaceSubrange(offset..<offset + new.count, with: new)
  }

  mutating func write(_ text: String, at offset: Int) { write(Array(text.utf8), at: offset) }

  mutating func write(_ value: some FixedWidthInteger, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) { write(Array($0), at: offset) }
  }

  // MARK: MBR

  /// Writes an entry of the table in `sector`: its index from 0 to 3, type, first sector, number of
  /// sectors.
  mutating func writeEntry(
    _ index: Int, type: UInt8, first: UInt32, count: UInt32, sector: Int = 0
  ) {
    let offset = sector * 512 + 446 + 16 * index
    write(type, at: offset + 4)
    write(first, at: offset + 8)
    write(count, at: offset + 12)
    write([0x55, 0xaa], at: sector * 512 + 510)
  }

  // MARK: GPT

  /// Writes a table with these partitions at the beginning and at the end of the disk. A partition
  /// is its first and last sector; nil is a free entry.
  mutating func writeGUIDTable(_ partitions: [(first: UInt64, last: UInt64)?]) {
    writeEntry(0, type: 0xee, first: 1, count: .max)
    let last = bytes.count / sectorBytes - 1
    writeHeader(sector: 1, entriesSector: 2, partitions)
    writeHeader(sector: last, entriesSector: last - 4, partitions)
  }

  private mutating func writeHeader(
    sector: Int, entriesSector: Int, _ partitions: [(first: UInt64, last: UInt64)?]
  ) {
    for (index, partition) in partitions.enumerated() {
      guard let partition else { continue }
      let offset = entriesSector * sectorBytes + 128 * index
      write([UInt8](repeating: 0xa5, count: 16), at: offset)
      write(partition.first, at: offset + 32)
      write(partition.last, at: offset + 40)
    }
    let offset = sector * sectorBytes
    write("EFI PART", at: offset)
    write(UInt32(92), at: offset + 12)
    write(UInt64(sector), at: offset + 24)
    write(UInt64(entriesSector), at: offset + 72)
    write(UInt32(partitions.count), at: offset + 80)
    write(UInt32(128), at: offset + 84)
    let entries = bytes[
      entriesSector * sectorBytes..<entriesSector * sectorBytes + 128 * partitions.count]
    write(CyclicRedundancyCheck.value(of: Array(entries)), at: offset + 88)
    sealHeader(sector: sector)
  }

  /// Writes the right checksum into the header.
  mutating func sealHeader(sector: Int) {
    let offset = sector * sectorBytes
    write(UInt32(0), at: offset + 16)
    let sum = CyclicRedundancyCheck.value(of: Array(bytes[offset..<offset + 92]))
    write(sum, at: offset + 16)
  }
}
