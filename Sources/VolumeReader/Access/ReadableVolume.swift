package import VolumeMap

/// A volume for random reads: a volume of a revision, with or without an overlay.
///
/// Any thread may use it. Ranges must not be empty and must lie within the volume. An error names
/// the volume and the offset, and the pack if a pack is the cause.
package protocol ReadableVolume: AnyObject, Sendable {
  /// The exact size. It never changes.
  var sizeBytes: UInt64 { get }

  /// Returns pieces that cover the range without gaps, in ascending order. Nil if any of it is not
  /// cached.
  ///
  /// For event loops: does not block and does not decompress.
  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]?

  /// Returns pieces that cover the range without gaps, in ascending order. Blocks.
  func content(of range: Range<UInt64>) throws -> [VolumePiece]

  /// Returns extents that cover the range without gaps from its lower bound, in ascending order.
  /// Neighbours have different kinds. Returns at most `limit` extents and at least one; may end
  /// before the end of the range. Blocks.
  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent]
}

/// A volume for random reads and writes.
///
/// All functions except ``isQuickToWrite(_:)`` block. Calls for overlapping ranges may run at the
/// same time.
package protocol WritableVolume: ReadableVolume {
  /// Whether a write to the range usually takes little longer than copying it. For event loops:
  /// does not block.
  func isQuickToWrite(_ range: Range<UInt64>) -> Bool

  /// Writes at least one byte.
  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws

  /// Makes the range read as zeros.
  ///
  /// - Parameter mayTrim: whether the space may be freed. If false, it stays allocated.
  func zero(_ range: Range<UInt64>, mayTrim: Bool) throws

  /// Makes parts of the range read as zeros if that frees their space. Other parts may stay
  /// unchanged.
  func trim(_ range: Range<UInt64>) throws

  /// Makes all writes durable whose call returned before this call began.
  func synchronize() throws
}

/// An error of a write to a volume. The server reports a lack of space with its own code.
package protocol VolumeWriteFailure: Error {
  /// Whether the write failed because there is no space left.
  var isOutOfSpace: Bool { get }
}
