import FileIO
import Synchronization

/// States that have changed and are not in the state file yet, in a file that is never synchronised: they
/// outlive the process, not the machine.
///
/// ```
/// offset   size
///      0   4096  what it is: title, size of the volume, the boot that it is of, checksum; then zeros
///   4096      1  of the first block: 0 as in the state file, 1 base, 2 data, 3 zero
///   4097      1  … of the second, and so on
/// ```
///
/// What a client was told is written must not go with the server, since a client that connects anew by
/// itself sends nothing again and would be told that its next flush succeeded. The page cache keeps the
/// data from that, and this file the states. A power failure may leave a state here that says "data"
/// without the data, so the file is believed only in the boot that it is of: what it adds is lost with
/// the page cache, as on any disk.
///
/// A byte a block, so that threads that change different blocks need no lock between them.
final class PendingStates: Sendable {
  private static let suffix = "pending"
  private static let title = "varve overlay-pending 1"
  private static let headerBytes = 4096
  private static let pageBytes = Int(StatePage.blockCount)
  /// For each byte that there may be, a page of it.
  private static let pages = (0...3 as ClosedRange<UInt8>).map {
    [UInt8](repeating: $0, count: pageBytes)
  }

  private let place: OverlayPlace
  private let volumeBytes: UInt64
  /// Nil before something has changed.
  private let file: Mutex<(any OpenFile)?>

  private init(_ place: OverlayPlace, volumeBytes: UInt64, file: (any OpenFile)?) {
    self.place = place
    self.volumeBytes = volumeBytes
    self.file = Mutex(file)
  }

  /// Those of an overlay of which nothing is pending. No file is made before something changes.
  convenience init(in place: OverlayPlace, volumeBytes: UInt64) {
    self.init(place, volumeBytes: volumeBytes, file: nil)
  }

  private var pageCount: UInt64 { StatePage.count(forVolumeOf: volumeBytes) }

  private static func offset(ofBlock block: UInt64) -> UInt64 { UInt64(headerBytes) + block }

  // MARK: - Writing

  /// Makes all blocks of a page what the state file says, and takes the room that states of theirs need.
  ///
  /// - Throws: ``OverlayError`` with `.noSpace`.
  func clear(page number: UInt64) throws(OverlayError) {
    try write(0, to: number * StatePage.blockCount..<(number + 1) * StatePage.blockCount)
  }

  /// Keeps the state of blocks, which lie in one page that was cleared before.
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

  /// All states are in the state file, and durable there.
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

  // MARK: - What a killed process left

  /// What another process has left in this boot; nil where there is nothing. What is left of another
  /// boot is removed.
  static func left(
    in place: OverlayPlace, volumeBytes: UInt64
  ) throws(OverlayError) -> PendingStates? {
    try reportingFileErrors { () throws(FileError) -> PendingStates? in
      guard let file = try place.open(suffix) else { return nil }
      let left = PendingStates(place, volumeBytes: volumeBytes, file: file)
      if try left.isOfThisBoot(file) { return left }
      file.close()
      try place.remove(suffix)
      // Lest it come to light again after a power failure, in a boot that it is of.
      try place.synchronize()
      return nil
    }
  }

  /// Calls `body` with each page that has states, and these, in order.
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
        try header.span.bytes.withUnsafeBytes { bytes throws(FileError) in
          try made.write(bytes, at: 0)
        }
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

  /// Whoever was killed before the header was whole had not told anybody of a change.
  private func isOfThisBoot(_ file: any OpenFile) throws(FileError) -> Bool {
    var bytes = [UInt8](repeating: 0, count: Self.headerBytes)
    _ = try bytes.read(from: file, at: 0)
    return try bytes == header()
  }
}
