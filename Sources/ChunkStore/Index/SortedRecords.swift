import ChunkFormat
import FileIO
import HeapModule
import SystemPackage

/// Puts the records of many packs in the order of ids, most of them outside of memory: in sorted runs,
/// which are merged.
struct SortedRecords {
  /// Id, length of the value, and room for the longest.
  private static let rowBytes = ContentID.lengthBytes + 1 + IndexedRecord.maximumBytes

  /// A run's first row that was not taken yet.
  private struct Head: Comparable {
    let id: ContentID
    let row: Int
    let runEnd: Int

    static func < (left: Self, right: Self) -> Bool { left.id < right.id }
  }

  private let rows: ScratchMapping
  private let recordsPerRun: Int
  private var unsorted: [(entry: PackEntry, pack: UInt32)] = []
  private var heads = Heap<Head>()
  private var sortedCount = 0

  /// Number of records that were added.
  var count: Int { sortedCount + unsorted.count }

  /// - Parameters:
  ///   - directory: where there must be room for 83 bytes a record; it must lie on storage.
  ///   - recordsPerRun: how many are held in memory, which takes some 110 bytes for each.
  init(in directory: FilePath, recordsPerRun: Int = 1 << 18) throws(FileError) {
    rows = try ScratchMapping(in: directory)
    self.recordsPerRun = recordsPerRun
  }

  mutating func append(_ entry: PackEntry, pack: UInt32) throws(FileError) {
    unsorted.append((entry, pack))
    if unsorted.count == recordsPerRun { try endRun() }
  }

  /// To be called once, after the last was added and before the first is taken.
  mutating func finish() throws(FileError) {
    try endRun()
    unsorted = []
  }

  private mutating func endRun() throws(FileError) {
    guard !unsorted.isEmpty else { return }
    unsorted.sort { $0.entry.id < $1.entry.id }
    let end = sortedCount + unsorted.count
    try rows.grow(toBytes: end * Self.rowBytes)
    heads.insert(Head(id: unsorted[0].entry.id, row: sortedCount, runEnd: end))
    for (row, (entry, pack)) in zip(sortedCount..., unsorted) {
      let value = IndexedRecord.encode(entry, pack: pack)
      let start = row * Self.rowBytes
      entry.id.withUnsafeBytes { rows.bytes[start...].copyBytes(from: $0) }
      rows.bytes[start + ContentID.lengthBytes] = UInt8(value.count)
      rows.bytes[(start + ContentID.lengthBytes + 1)...].copyBytes(from: value)
    }
    sortedCount = end
    unsorted.removeAll(keepingCapacity: true)
  }

  /// Takes the record with the least id: id and encoded ``IndexedRecord``, which stay valid as long as
  /// the records do. Nil where none is left.
  mutating func takeFirst() -> (id: UnsafeRawBufferPointer, record: UnsafeRawBufferPointer)? {
    guard let head = heads.min else { return nil }
    let row = row(head.row)
    if head.row + 1 < head.runEnd {
      let next = Head(id: ContentID(self.row(head.row + 1)), row: head.row + 1, runEnd: head.runEnd)
      heads.replaceMin(with: next)
    } else {
      heads.removeMin()
    }
    let value = ContentID.lengthBytes + 1
    return (
      UnsafeRawBufferPointer(rebasing: row[..<ContentID.lengthBytes]),
      UnsafeRawBufferPointer(rebasing: row[value..<value + Int(row[ContentID.lengthBytes])])
    )
  }

  private func row(_ number: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(rows.bytes)[
        number * Self.rowBytes..<(number + 1) * Self.rowBytes])
  }
}
