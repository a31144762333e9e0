/// Where a volume is read from, from front to back.
///
/// The stretches that ``nextExtent(at:)`` gives adjoin each other from 0 to the end, so a reader
/// needs nothing but this loop, whatever the kind of the source:
///
///     while let extent = try source.nextExtent(at: offset) {
///       if !extent.isHole { ... try source.read(into: piece, at: ...) ... }
///       offset = extent.endBytes
///     }
///     try source.finish()
package protocol VolumeSource: AnyObject, Sendable {
  /// As the user wrote it.
  var name: String { get }

  var kind: VolumeSourceKind { get }

  /// nil for a pipe, whose size is known only at its end.
  var sizeBytes: UInt64? { get }

  /// Whether any offset can be read any number of times.
  var canBeReadAgain: Bool { get }

  /// The stretch beginning at `offsetBytes`: data or hole, up to its end; nil at the end of the
  /// source.
  ///
  /// A pipe gives what it holds ready, which ends at a multiple of ``pipeExtentBytes`` or at the end
  /// of the source, and demands that `offsetBytes` is where the last read ended.
  func nextExtent(at offsetBytes: UInt64) throws(VolumeSourceError) -> SourceExtent?

  /// Whether holes are somebody else's word, such as a file system's, and their content was not read.
  var takesHolesOnTrust: Bool { get }

  /// A warning for the user when the holes of ``nextExtent(at:)`` are doubtful; nil when they are not.
  /// Call it after ``finish()``.
  func holeWarning() -> String?

  /// Whether data that was found later at `offsetBytes`, in what was given as a hole, must have been
  /// there already.
  func isHoleByMistake(at offsetBytes: UInt64) -> Bool

  /// Where the stretch beginning at `offsetBytes` ends that is the same as in the revision which the
  /// source was made from; nil where that is not known.
  func unchangedEnd(from offsetBytes: UInt64) throws(VolumeSourceError) -> UInt64?

  /// Fills the buffer; returns how much was read, which is less than asked for only at the end of the
  /// source. A pipe demands ascending, adjoining offsets.
  ///
  /// Throws `readFailed` with the offset where reading failed, and `sizeChanged` at once when a file
  /// or device ends before the size it began with.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(VolumeSourceError) -> Int

  /// To be called after the last read: throws when the source grew, shrank, or was replaced or
  /// removed while it was read. What was read is a volume only when this returns.
  func finish() throws(VolumeSourceError)
}

extension VolumeSource {
  /// It has none, or knows them itself.
  package var takesHolesOnTrust: Bool { false }

  package func holeWarning() -> String? { nil }

  package func isHoleByMistake(at offsetBytes: UInt64) -> Bool { false }

  /// It was made from no revision.
  package func unchangedEnd(from offsetBytes: UInt64) -> UInt64? { nil }
}

package enum VolumeSourceKind: String, Sendable, Hashable {
  case file
  case blockDevice
  case pipe
  /// A revision with changes that are kept elsewhere.
  case overlay
}

/// The alignment of a pipe's extents, and what it buffers: 4 MiB, the largest chunk there is.
package let pipeExtentBytes = 4 << 20

/// A stretch of a source.
package struct SourceExtent: Sendable, Hashable {
  package var offsetBytes: UInt64
  /// At least 1.
  package var lengthBytes: UInt64
  /// Whether it reads as zeros and needs not be read.
  package var isHole: Bool

  package init(offsetBytes: UInt64, lengthBytes: UInt64, isHole: Bool) {
    self.offsetBytes = offsetBytes
    self.lengthBytes = lengthBytes
    self.isHole = isHole
  }

  package var endBytes: UInt64 { offsetBytes + lengthBytes }
}
