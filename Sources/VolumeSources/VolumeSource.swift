/// The source of a volume, which is read from beginning to end.
///
/// The extents that ``nextExtent(at:)`` returns follow each other without gaps, from 0 to the end.
/// So a reader needs only this loop for every kind of source:
///
///     while let extent = try source.nextExtent(at: offset) {
///       if !extent.isHole { ... try source.read(into: piece, at: ...) ... }
///       offset = extent.endBytes
///     }
///     try source.finish()
package protocol VolumeSource: AnyObject, Sendable {
  /// The source, as the user wrote it.
  var name: String { get }

  var kind: VolumeSourceKind { get }

  /// The size; nil for a pipe, since its size is known only at its end.
  var sizeBytes: UInt64? { get }

  /// Whether any offset can be read any number of times.
  var canBeReadAgain: Bool { get }

  /// The extent that begins at `offsetBytes`: data or a hole, up to its end; nil at the end of the
  /// source.
  ///
  /// A pipe returns the bytes that are ready. They end at a multiple of ``pipeExtentBytes`` or at
  /// the end of the source. For a pipe, `offsetBytes` must be the end of the last read.
  func nextExtent(at offsetBytes: UInt64) throws(VolumeSourceError) -> SourceExtent?

  /// Whether the holes are only reported by others, such as a file system, and their content was
  /// not read.
  var takesHolesOnTrust: Bool { get }

  /// A warning for the user if the holes of ``nextExtent(at:)`` are doubtful; nil if they are not.
  /// Call it after ``finish()``.
  func holeWarning() -> String?

  /// Call this if data is found at `offsetBytes` in a range that was reported as a hole. Returns
  /// whether the hole was reported by mistake, because the data must have been there before.
  func isHoleByMistake(at offsetBytes: UInt64) -> Bool

  /// The end of the range from `offsetBytes` on that has the same content as the revision from
  /// which the source was made; nil if this is not known.
  func unchangedEnd(from offsetBytes: UInt64) throws(VolumeSourceError) -> UInt64?

  /// Fills the buffer, and returns the number of bytes read. It is less than the length of the
  /// buffer only at the end of the source. A pipe must be read in order and without gaps.
  ///
  /// Throws `readFailed` with the offset of the failure. Throws `sizeChanged` at once if a file or
  /// device ends before the size that it had at first.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(VolumeSourceError) -> Int

  /// Call this after the last read. Throws if the source grew, shrank, or was replaced or removed
  /// while it was read. The bytes that were read are a valid volume only if this does not throw.
  func finish() throws(VolumeSourceError)
}

extension VolumeSource {
  /// False: the source has no holes, or knows them itself.
  package var takesHolesOnTrust: Bool { false }

  package func holeWarning() -> String? { nil }

  package func isHoleByMistake(at offsetBytes: UInt64) -> Bool { false }

  /// Nil: the source was not made from a revision.
  package func unchangedEnd(from offsetBytes: UInt64) -> UInt64? { nil }
}

package enum VolumeSourceKind: String, Sendable, Hashable {
  case file
  case blockDevice
  case pipe
  /// A revision with changes that are stored elsewhere.
  case overlay
}

/// The alignment of a pipe's extents, and the size of its buffer: 4 MiB, the size of the largest
/// chunk.
package let pipeExtentBytes = 4 << 20

/// A range of a source: data or a hole.
package struct SourceExtent: Sendable, Hashable {
  package var offsetBytes: UInt64
  /// At least 1.
  package var lengthBytes: UInt64
  /// Whether the range reads as zeros and need not be read.
  package var isHole: Bool

  package init(offsetBytes: UInt64, lengthBytes: UInt64, isHole: Bool) {
    self.offsetBytes = offsetBytes
    self.lengthBytes = lengthBytes
    self.isHole = isHole
  }

  package var endBytes: UInt64 { offsetBytes + lengthBytes }
}
