import FileIO
import Synchronization

/// The content of the blocks that are in the overlay. It is stored in sparse files with the
/// volume's own layout, one file for each TiB of the volume that was written to.
///
/// There are several files because a file on ext4 is limited to 16 TiB. Bytes of blocks that do not
/// have the state `data` mean nothing.
final class DataParts: Sendable {
  static let standardPartBytes: UInt64 = 1 << 40

  private final class Part: Sendable {
    let file: any OpenFile
    /// Whether the part has been written to since it was last synchronised, perhaps by a process
    /// that was killed.
    let isDirty: Atomic<Bool>

    init(_ file: any OpenFile, isDirty: Bool) {
      self.file = file
      self.isDirty = Atomic(isDirty)
    }
  }

  private let place: OverlayPlace
  private let volumeBytes: UInt64
  private let partBytes: UInt64
  private let parts = Mutex<[UInt64: Part]>([:])
  /// Whether there may be parts that have been written to but were not opened by this process.
  private let mayHaveOthers: Atomic<Bool>

  init(_ place: OverlayPlace, volumeBytes: UInt64, partBytes: UInt64 = standardPartBytes) {
    self.place = place
    self.volumeBytes = volumeBytes
    self.partBytes = partBytes
    mayHaveOthers = Atomic(place.isLasting)
  }

  /// Reads content that clients wrote to the overlay into the buffer.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(OverlayError) {
    try forEachPart(offsetBytes, UInt64(buffer.count)) {
      number, offset, range throws(OverlayError) in
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[range])
      let count = try reportingFileErrors { () throws(FileError) in
        try part(number, makesOne: false)?.file.read(into: piece, at: offset)
      }
      guard count == piece.count else {
        throw OverlayError(
          .damaged,
          "\(place.path(Self.suffix(number))): expected \(piece.count) bytes at offset \(offset), "
            + "found \(count.map { "\($0)" } ?? "no file")")
      }
    }
  }

  /// Writes content.
  ///
  /// - Throws: ``OverlayError`` with `.noSpace`. Any part may then have been written.
  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(OverlayError) {
    try forEachPart(offsetBytes, UInt64(bytes.count)) {
      number, offset, range throws(OverlayError) in
      try reportingFileErrors { () throws(FileError) in
        guard let part = try part(number, makesOne: true) else { return }
        // This is also set after a failure, because some bytes may have been written.
        defer { part.isDirty.store(true, ordering: .releasing) }
        try part.file.write(UnsafeRawBufferPointer(rebasing: bytes[range]), at: offset)
      }
    }
  }

  /// Frees the space of a range that no block needs any more. Nothing depends on this, so failures
  /// are ignored.
  func discard(_ range: Range<UInt64>) {
    try? forEachPart(range.lowerBound, UInt64(range.count)) {
      number, offset, range throws(OverlayError) in
      try reportingFileErrors { () throws(FileError) in
        try part(number, makesOne: false)?.file.punchHole(
          at: offset, lengthBytes: UInt64(range.count))
      }
    }
  }

  /// Makes everything that was written durable, even writes of other processes.
  func synchronize() throws(FileError) {
    if mayHaveOthers.load(ordering: .acquiring) {
      for number in try place.numbers(after: Self.prefix)
      where number <= (volumeBytes - 1) / partBytes {
        _ = try part(number, makesOne: false)
      }
      mayHaveOthers.store(false, ordering: .releasing)
    }
    let parts = self.parts.withLock { Array($0.values) }
    for part in parts
    where part.isDirty.exchange(false, ordering: .acquiringAndReleasing) {
      try part.file.synchronizeData()
    }
  }

  func close() {
    for part in parts.withLock({ Array($0.values) }) { part.file.close() }
  }

  private static let prefix = "data-"

  private static func suffix(_ number: UInt64) -> String { "\(prefix)\(number)" }

  /// Calls `body` for each part of a range: with the number of the part, the offset in the part,
  /// and the position of these bytes in the range.
  private func forEachPart(
    _ offsetBytes: UInt64, _ lengthBytes: UInt64,
    _ body: (UInt64, UInt64, Range<Int>) throws(OverlayError) -> Void
  ) throws(OverlayError) {
    var done: UInt64 = 0
    while done < lengthBytes {
      let (number, offset) = (offsetBytes + done).quotientAndRemainder(dividingBy: partBytes)
      let count = min(partBytes - offset, lengthBytes - done)
      try body(number, offset, Int(done)..<Int(done + count))
      done += count
    }
  }

  private func part(_ number: UInt64, makesOne: Bool) throws(FileError) -> Part? {
    try parts.withLock { parts throws(FileError) in
      if let part = parts[number] { return part }
      let sizeBytes = min(partBytes, volumeBytes - number * partBytes)
      let suffix = Self.suffix(number)
      var found = try place.open(suffix)
      let isNew = found == nil
      if isNew, makesOne { found = try place.create(suffix) }
      guard let file = found else { return nil }
      if try file.sizeBytes() < sizeBytes {
        // The file is new, or its creator was interrupted here. It must have its full size from the
        // start: if it grew later, the new part could contain anything after a power failure.
        try file.setSize(bytes: sizeBytes)
        if place.isLasting { try file.synchronizeData() }
        try place.synchronize()
      }
      let part = Part(file, isDirty: !isNew)
      parts[number] = part
      return part
    }
  }
}
