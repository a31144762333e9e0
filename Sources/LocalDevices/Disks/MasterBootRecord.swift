/// The first sector of a disk with a PC partition table (MBR). On a disk with a GUID table, this
/// sector has one entry that protects the whole disk.
///
///     446   16 × 4   entries
///     510   2        55 AA
///
/// An entry; sectors have the size of the original disk's sectors, 512 or 4096 bytes:
///
///       0   1        00 or 80
///       4   1        type
///       8   4        first sector, little-endian
///      12   4        sectors, little-endian
///
/// The logical partitions form a chain in the extended partition. Each link is a sector of the same
/// layout. The position of its partition is relative to the link; the position of the next link is
/// relative to the beginning of the extended partition.
struct MasterBootRecord {
  private struct Entry {
    let type: UInt8
    let firstSector: UInt64
    let sectorCount: UInt64

    var isExtended: Bool { [0x05, 0x0f, 0x85].contains(type) }
    var isUsed: Bool { type != 0 && sectorCount > 0 }
    var isDynamic: Bool { type == 0x42 }
  }

  private static let recordBytes = 512
  /// The most links to follow; the kernel has the same limit. It also ends a circular chain.
  private static let chainLimit = 100
  private static let firstLogicalNumber = 5

  private let entries: [Entry]

  /// Reads the first sector of a disk; nil if it is not such a sector.
  init?(of disk: DiskContent) throws {
    guard let sector = try disk.bytes(at: 0, count: Self.recordBytes),
      !FileSystemProbe.isBootSector(sector), let entries = Self.entries(in: sector)
    else { return nil }
    self.entries = entries
  }

  /// Whether the disk has a GUID partition table.
  var isProtective: Bool { entries.contains { $0.type == 0xee } }

  /// The table with the primary partitions, and the logical partitions from number 5 on.
  func table(of disk: DiskContent, sectorBytes: UInt64) throws -> PartitionTable {
    var found = Found(disk: disk, sectorBytes: sectorBytes)
    for (index, entry) in entries.enumerated() where entry.isUsed && !entry.isExtended {
      found.add(entry, number: index + 1, countedFrom: 0)
    }
    if let extended = entries.first(where: { $0.isUsed && $0.isExtended }) {
      try addLogical(in: extended, to: &found)
    }
    return PartitionTable(
      scheme: .masterBootRecord, partitions: found.partitions, cutOff: found.cutOff,
      sectorBytes: sectorBytes)
  }

  private struct Found {
    let disk: DiskContent
    let sectorBytes: UInt64
    var partitions: [Partition] = []
    var cutOff: [Int] = []

    mutating func add(_ entry: Entry, number: Int, countedFrom link: UInt64) {
      // All values have 32 bits, so nothing overflows.
      let start = (link + entry.firstSector) * sectorBytes
      let end = start + entry.sectorCount * sectorBytes
      if start > 0, end <= disk.sizeBytes {
        partitions.append(
          Partition(number: number, bytes: start..<end, isDynamic: entry.isDynamic))
      } else {
        cutOff.append(number)
      }
    }
  }

  private func addLogical(in extended: Entry, to found: inout Found) throws {
    var number = Self.firstLogicalNumber
    var link = extended.firstSector
    for _ in 0..<Self.chainLimit {
      guard
        let sector = try found.disk.bytes(
          at: link * found.sectorBytes, count: Self.recordBytes),
        let entries = Self.entries(in: sector)
      else { return }
      for entry in entries.prefix(2) where entry.isUsed && !entry.isExtended {
        found.add(entry, number: number, countedFrom: link)
        number += 1
      }
      guard let next = entries.first(where: { $0.isUsed && $0.isExtended }) else { return }
      link = extended.firstSector + next.firstSector
    }
  }

  private static func entries(in sector: [UInt8]) -> [Entry]? {
    guard sector[510] == 0x55, sector[511] == 0xaa else { return nil }
    let offsets = stride(from: 446, to: 510, by: 16)
    guard offsets.allSatisfy({ sector[$0] & 0x7f == 0 }) else { return nil }
    return offsets.map { offset in
      Entry(
        type: sector[offset + 4], firstSector: UInt64(sector.integer(UInt32.self, at: offset + 8)),
        sectorCount: UInt64(sector.integer(UInt32.self, at: offset + 12)))
    }
  }
}
