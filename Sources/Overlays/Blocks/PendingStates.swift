import FileIO
import Synchronization

/// Changed states that are not in the state file yet. Their file is never synchronised, so they
/// survive the death of the process, but not of the machine.
///
/// ```
/// offset   size
///      0   4096  header: title, size of the volume, id of the boot, checksum; then zeros
///   4096      1  the first block: 0 as in the state file, 1 base, 2 data, 3 zero
///   4097      1  the second block, and so on
/// ```
///
/// A write that was answered must not be lost if the server dies: a client that reconnects by
/// itself does not repeat the write, and its next flush would succeed. The page cache keeps the
/// data in that case, and this file keeps the states. After a power failure the file may say "data"
/// for a block whose data was lost. So the file is valid only during the boot in which it was
/// written. Its changes are then lost together with the page cache, as on any disk.
///
/// Each block has a byte of its own, so threads that change different blocks need no lock.
final class PendingStates: Sendable {
  private static let suffix = "pending"
  private static let title = "varve overlay-pending 1"
  private static let headerBytes = 4096
  private static let pageBytes = Int(StatePage.blockCount)
  /// A page for each possible byte value.
  private static let pages = (0...3 as ClosedRange<UInt8>).map {
    [UInt8](repeating: $0, count: pageBytes)
  }

  private let place: OverlayPlace
  private let volumeBytes: UInt64
  /// Nil before the first change.
  private let file: Mutex<(any OpenFile)?>

  private init(_ place: OverlayPlace, volumeBytes: UInt64, file: (any OpenFile)?) {
    self.place = place
    self.volumeBytes = volumeBytes
    self.file = Mutex(file)
  }

  /// Creates an object without pending states. The file is created with the first change.
  convenience init(in place: OverlayPlace, volumeBytes: UInt64) {
    self.init(place, volumeBytes: volumeBytes, file: nil)
  }

  private var pageCount: UInt64 { StatePage.count(forVolumeOf: volumeBytes) }

  private static func offset(ofBlock block: UInt64) -> UInt64 { UInt64(headerBytes) + block }

  // MARK: - Writing

  /// Marks all blocks of a page as unchanged, and allocates the space for their states.
  ///
  /// - Throws: ``OverlayError`` with `.noSpace`.
  func clear(page number: UInt64) throws(OverlayError) {
    try write(0, to: number * StatePage.blockCount..<(number + 1) * StatePage.blockCount)
  }

  /// Stores the state of blocks. They must be in one page that was cleared before.
  func note(_ state: BlockState, of blocks: Range<UInt64>) throws(OverlayError) {
    try write(Int(state.rawValue) + 1, to: blocks)
  }

  private func write(_ code: Int, to blocks: Range<UInt64>) throws(OverlayError) {
    try reportingFileErrors { () throws(FileError) in
      let file = try makeFile()
      let page = Self.pages[code]
      try page.span.bytes.withUnsafeBytes { page throws(FileError) in
        try file.write(
          UnsafeRawBufferPointer(rebasing: page[..<blocks.count]),
          at: Self.offset(ofBlock: blocks.lowerBound))
      }
    }
  }

  /// Removes the file, after all states are durable in the state file.
  func remove() throws(OverlayError) {
    try reportingFileErrors { () throws(FileError) in
      try file.withLock { file throws(FileError) in
        guard let open = file else { return }
        try place.remove(Self.suffix)
        open.close()
        file = nil
      }
    }
  }

  func close() { file.withLock { $0 }?.close() }

  // MARK: - Leftovers of a killed process

  /// Returns the pending states that another process has left in this boot. Nil if there are none.
  /// Removes those of another boot.
  static func left(
    in place: OverlayPlace, volumeBytes: UInt64
  ) throws(OverlayError) -> PendingStates? {
    try reportingFileErrors { () throws(FileError) -> PendingStates? in
      guard let file = try place.open(suffix) else { return nil }
      let left = PendingStates(place, volumeBytes: volumeBytes, file: file)
      if try left.isOfThisBoot(file) { return left }
      file.close()
      try place.remove(suffix)
      // Otherwise the file could reappear after a power failure, in a boot in which it is valid.
      try place.synchronize()
      return nil
    }
  }

  /// Calls `body` with each page that has pending states, and with these states, in order.
  func forEachPage(
    _ body: (UInt64, [StateRun]) throws(OverlayError) -> Void
  ) throws(OverlayError) {
    guard let file = file.withLock({ $0 }) else { return }
    var number: UInt64 = 0
    while number < pageCount {
      let start = try reportingFileErrors { () throws(FileError) in
        try file.dataStart(from: Self.offset(ofBlock: number * StatePage.blockCount))
      }
      guard let start else { return }
      number = max(number, (start - UInt64(Self.headerBytes)) / StatePage.blockCount)
      let runs = try runs(ofPage: number, in: file)
      if !runs.isEmpty { try body(number, runs) }
      number += 1
    }
  }

  private func runs(
    ofPage number: UInt64, in file: any OpenFile
  ) throws(OverlayError) -> [StateRun] {
    let first = number * StatePage.blockCount
    var codes = [UInt8](repeating: 0, count: Self.pageBytes)
    try reportingFileErrors { () throws(FileError) in
      _ = try codes.read(from: file, at: Self.offset(ofBlock: first))
    }
    var runs: [StateRun] = []
    var next = 0
    while next < codes.count {
      let code = codes[next]
      let end = codes[next...].firstIndex { $0 != code } ?? codes.count
      if code > 0, let state = BlockState(rawValue: UInt64(code) - 1) {
        runs.append(StateRun(blocks: first + UInt64(next)..<first + UInt64(end), state: state))
      }
      next = end
    }
    return runs
  }

  // MARK: - The file

  private func makeFile() throws(FileError) -> any OpenFile {
    try file.withLock { file throws(FileError) -> any OpenFile in
      if let file { return file }
      let header = try header()
      let made = try place.create(Self.suffix)
      do throws(FileError) {
        try made.setSize(bytes: Self.offset(ofBlock: pageCount * StatePage.blockCount))
        try made.write(header, at: 0)
      } catch {
        made.close()
        try? place.remove(Self.suffix)
        throw error
      }
      file = made
      return made
    }
  }

  private func header() throws(FileError) -> [UInt8] {
    var text = DescriptionText(title: Self.title)
    text.add("size", volumeBytes)
    text.add("boot", try place.fileSystem.bootID())
    let bytes = text.encoded
    return bytes + Array(repeating: 0, count: Self.headerBytes - bytes.count)
  }

  /// If the header is incomplete, the process was killed before any change was answered.
  private func isOfThisBoot(_ file: any OpenFile) throws(FileError) -> Bool {
    var bytes = [UInt8](repeating: 0, count: Self.headerBytes)
    _ = try bytes.read(from: file, at: 0)
    return try bytes == header()
  }
}
