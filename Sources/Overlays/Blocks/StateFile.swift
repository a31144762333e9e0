import FileIO
import Synchronization
import SystemPackage

/// The file with the state of each block of a volume, which says where its content is.
///
/// ```
/// offset  size
///      0  4096  header: title, size of the volume, checksum; then zeros
///   4096  4096  the states of the first 16,384 blocks (StatePage)
///   8192  4096  … of the next, and so on
/// ```
///
/// The file is sparse and has its full length from the start. A page that was never written reads
/// as "all base". If the power fails while a page is written, it may have a mixture of old and new
/// states. Each of them is valid, because the data of every block was durable before. So pages have
/// no checksum.
final class StateFile: Sendable {
  private static let suffix = "state"
  private static let title = "varve overlay-state 1"
  private static let headerBytes = 4096

  let pageCount: UInt64
  private let place: OverlayPlace
  private let volumeBytes: UInt64
  /// Nil while there is no file. An unnamed file is created with the first write.
  private let file: Mutex<(any OpenFile)?>
  private let hasFile: Atomic<Bool>

  /// Wraps a file that is open, or that is created later.
  ///
  /// - Parameter file: nil if the file is created later.
  private init(_ place: OverlayPlace, volumeBytes: UInt64, file: (any OpenFile)?) {
    self.place = place
    self.volumeBytes = volumeBytes
    pageCount = StatePage.count(forVolumeOf: volumeBytes)
    self.file = Mutex(file)
    hasFile = Atomic(file != nil)
  }

  /// Creates a file in which all blocks have the state "base". The file is durable when this
  /// returns, except for its directory entry.
  static func create(
    in place: OverlayPlace, volumeBytes: UInt64
  ) throws(OverlayError) -> StateFile {
    let state = StateFile(place, volumeBytes: volumeBytes, file: nil)
    guard place.isLasting else { return state }
    try reportingFileErrors { () throws(FileError) in
      try state.makeFile().synchronizeData()
    }
    return state
  }

  /// Opens the file of an existing overlay.
  ///
  /// - Throws: ``OverlayError`` with `.damaged` if the file is missing, too short, or belongs to
  ///   another volume.
  static func open(in place: OverlayPlace, volumeBytes: UInt64) throws(OverlayError) -> StateFile {
    let path = place.path(suffix).string
    guard
      let file = try reportingFileErrors({ () throws(FileError) in try place.open(suffix) })
    else { throw OverlayError(.damaged, "\(path): expected the overlay's state, found no file") }
    let state = StateFile(place, volumeBytes: volumeBytes, file: file)
    try state.check(file, path)
    return state
  }

  /// Whether every block has the state "base" because nothing was ever written.
  var isUntouched: Bool { !hasFile.load(ordering: .acquiring) }

  // MARK: - Pages

  func page(_ number: UInt64) throws(OverlayError) -> StatePage {
    guard let file = current else { return .base }
    var bytes = [UInt8](repeating: 0, count: StatePage.lengthBytes)
    let offset = Self.offset(of: number)
    let count = try reportingFileErrors { () throws(FileError) in
      try bytes.read(from: file, at: offset)
    }
    guard count == bytes.count, let page = bytes.withUnsafeBytes({ StatePage($0) }) else {
      throw OverlayError(
        .damaged,
        "\(place.path(Self.suffix)): the \(StatePage.lengthBytes) bytes at offset \(offset) are "
          + "not valid block states")
    }
    return page
  }

  func write(_ page: StatePage, to number: UInt64) throws(FileError) {
    let file = try makeFile()
    try page.withEncodedBytes { bytes throws(FileError) in
      try file.write(bytes, at: Self.offset(of: number))
    }
  }

  /// Returns the first page from `number` on that may have been written. Returns ``pageCount`` if
  /// there is none.
  func firstWrittenPage(from number: UInt64) throws(OverlayError) -> UInt64 {
    guard let file = current else { return pageCount }
    let start = try reportingFileErrors { () throws(FileError) in
      try file.dataStart(from: Self.offset(of: number))
    }
    guard let start else { return pageCount }
    return max(
      number, (start - UInt64(Self.headerBytes)) / UInt64(StatePage.lengthBytes))
  }

  func synchronize() throws(FileError) { try current?.synchronizeData() }

  func close() { current?.close() }

  private static func offset(of number: UInt64) -> UInt64 {
    UInt64(headerBytes) + number * UInt64(StatePage.lengthBytes)
  }

  // MARK: - The file

  private var current: (any OpenFile)? { isUntouched ? nil : file.withLock { $0 } }

  private var totalBytes: UInt64 { Self.offset(of: pageCount) }

  private func makeFile() throws(FileError) -> any OpenFile {
    try file.withLock { file throws(FileError) -> any OpenFile in
      if let file { return file }
      let made = try place.create(Self.suffix)
      try made.setSize(bytes: totalBytes)
      try made.write(header, at: 0)
      file = made
      hasFile.store(true, ordering: .releasing)
      return made
    }
  }

  private var header: [UInt8] {
    var text = DescriptionText(title: Self.title)
    text.add("size", volumeBytes)
    text.add("block", Block.sizeBytes)
    let bytes = text.encoded
    return bytes + Array(repeating: 0, count: Self.headerBytes - bytes.count)
  }

  private func check(_ file: any OpenFile, _ path: String) throws(OverlayError) {
    var bytes = [UInt8](repeating: 0, count: Self.headerBytes)
    let sizeBytes = try reportingFileErrors { () throws(FileError) in
      _ = try bytes.read(from: file, at: 0)
      return try file.sizeBytes()
    }
    let text = try DescriptionText(bytes, title: Self.title, in: path)
    let (size, block) = (
      try text.value(of: "size", in: path) { UInt64($0) },
      try text.value(of: "block", in: path) { UInt64($0) }
    )
    guard size == volumeBytes, block == Block.sizeBytes else {
      throw OverlayError(
        .damaged,
        "\(path): expected the states of a volume of \(volumeBytes) bytes in blocks of "
          + "\(Block.sizeBytes), found \(size) bytes in blocks of \(block)")
    }
    guard sizeBytes == totalBytes else {
      throw OverlayError(
        .damaged, "\(path): expected a file of \(totalBytes) bytes, found \(sizeBytes)")
    }
  }
}

extension [UInt8] {
  /// Fills the array from the file. Returns the number of bytes read.
  mutating func read(
    from file: any OpenFile, at offsetBytes: UInt64
  ) throws(FileError) -> Int {
    let outcome = withUnsafeMutableBytes { buffer in
      Result { () throws(FileError) in try file.read(into: buffer, at: offsetBytes) }
    }
    return try outcome.get()
  }
}
