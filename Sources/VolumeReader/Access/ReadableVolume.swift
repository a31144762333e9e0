package import VolumeMap

/// A volume that is read at random: a revision's, or one that an overlay lies on.
///
/// Any thread may use it. Ranges are never empty and lie within the volume. An error names the volume, the
/// offset and, where a pack is to blame, the pack.
package protocol ReadableVolume: AnyObject, Sendable {
  /// Exact to the byte; never changes.
  var sizeBytes: UInt64 { get }

  /// Pieces that tile the range in ascending order; nil where any of it is not at hand.
  ///
  /// For event loops: it neither blocks nor decompresses.
  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]?

  /// Pieces that tile the range in ascending order. Blocks.
  func content(of range: Range<UInt64>) throws -> [VolumePiece]

  /// Extents that tile the range from its lower bound, ascending, neighbours of different kinds. At most
  /// `limit`; may stop early, but not before the first. Blocks.
  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent]
}

/// A volume that is also written to at random.
///
/// All of it but ``isQuickToWrite(_:)`` blocks. Calls for overlapping ranges may run at once.
package protocol WritableVolume: ReadableVolume {
  /// Whether writing a range costs little more than copying it, as a rule. For event loops: it does not
  /// block.
  func isQuickToWrite(_ range: Range<UInt64>) -> Bool

  /// Writes at least one byte.
  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws

  /// Makes the range read as zeros.
  ///
  /// - Parameter mayTrim: whether its space may be given back; else it stays allocated.
  func zero(_ range: Range<UInt64>, mayTrim: Bool) throws

  /// Makes the range read as zeros where that gives space back; elsewhere it may do nothing.
  func trim(_ range: Range<UInt64>) throws

  /// Everything whose call returned before this one began is durable when this returns.
  func synchronize() throws
}

/// Why a volume could not be written to, for whoever has a code of its own for a lack of room.
package protocol VolumeWriteFailure: Error {
  /// Whether there is no room for what was to be written.
  var isOutOfSpace: Bool { get }
}
