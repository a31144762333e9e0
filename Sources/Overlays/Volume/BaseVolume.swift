package import VolumeMap
package import VolumeReader

/// A volume that an overlay lies on. Its content never changes. Any thread may use it.
package protocol BaseVolume: Sendable {
  /// Exact to the byte.
  var sizeBytes: UInt64 { get }

  /// Pieces that tile the range, nil when any of it is not at hand. Never blocks.
  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]?

  /// Pieces that tile the range. Blocks.
  func content(of range: Range<UInt64>) throws -> [VolumePiece]

  /// At most `limit` extents that tile the range or a beginning of it. Blocks.
  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent]
}

extension VolumeReader: BaseVolume {}
