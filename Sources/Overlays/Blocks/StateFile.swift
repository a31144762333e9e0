import FileIO
import Synchronization
import SystemPackage

/// The file that says of each block of a volume where its content is.
///
/// ```
/// offset  size
///      0  4096  what it is: title, size of the volume, checksum; then zeros
///   4096  4096  the states of the first 16,384 blocks (StatePage)
///   8192  4096  … of the next, and so on
/// ```
///
/// It is as long as it will ever be from the start, and sparse: a page that was never written reads as
/// "all the base's". A power failure in the middle of writing a page leaves a mixture of its old and
/// new states, each of which is right, since the data of every block was durable before; so pages have
/// no checksum.
final class StateFile: Sendable {
  private static let suffix = "state"
  private static let title = "varve overlay-state 1"
  private static let headerBytes = 4096

  let pageCount: UInt64
  private let place: OverlayPlace
  private let volumeBytes: UInt64
  /// Nil where there is none so far: one without a name is made when it is first written to.
  private let file: Mutex<(any OpenFile)?>
  private let hasFile: Atomic<Bool>

  /// - Parameter file: nil for one that is made when it is needed.
  private init(_ place: OverlayPlace, volumeBytes: UInt64, file: (any OpenFile)?) {
    self.place = place
    self.volumeBytes = volumeBytes
    pageCount = StatePage.count(forVolumeOf: volumeBytes)
    self.file = Mutex(file)
    hasFile = Atomic(file != nil)
  }

  /// A file in which all blocks are the base's; durable when this returns, but for its name.
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

  /// The file of an overlay that exists.
  ///
  /// - Throws: ``OverlayError`` with `.damaged` where it is missing, too short or another's.
  static func open(in place: OverlayPlace, volumeBytes: UInt64) throws(OverlayError) -> StateFile {
    let path = place.path(suffix).string
    guard
      let file = try reportingFileErrors({ () throws(FileError) in try place.open(suffix) })
    else { throw OverlayError(.damaged, "\(path): expected the overlay's state, found no file") }
    let state = StateFile(place, volumeBytes: volumeBytes, file: file)
    try state.check(file, path)
    return state
  }

  /// Whether every block is the base's because nothing was ever written.
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
        "\(place.path(Self.suffix)): the \(StatePage.lengthBytes) bytes at offset \(offset) are no "
          + "states of blocks")
    }
    return page
  }

  func write(_ page: StatePage, to number: UInt64) throws(FileError) {
    let file = try makeFile()
    try page.withEncodedBytes { bytes throws(FileError) in
      try file.write(bytes, at: Self.offset(of: number))
    }
  }

  /// The first page at `number` or after it that may have been written; ``pageCount`` where there is
  /// none.
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
      try header.span.bytes.withUnsafeBytes { bytes throws(FileError) in
        try made.write(bytes, at: 0)
      }
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
  /// Fills the array from the file; returns how much there was.
  mutating func read(
    from file: any OpenFile, at offsetBytes: UInt64
  ) throws(FileError) -> Int {
    let outcome = withUnsafeMutableBytes { buffer in
      Result { () throws(FileError) in try file.read(into: buffer, at: offsetBytes) }
    }
    return try outcome.get()
  }
}
