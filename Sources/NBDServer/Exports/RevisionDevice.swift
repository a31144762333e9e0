import ChunkStore
import VolumeMap
import VolumeReader

/// A volume of a revision as a block device. The revision is pinned while the device is open.
final class RevisionDevice: BlockDevice {
  private let reader: VolumeReader
  private let session: Session

  init(reader: VolumeReader, session: Session) {
    self.reader = reader
    self.session = session
  }

  var sizeBytes: UInt64 { reader.sizeBytes }

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    reader.cachedContent(of: range)
  }

  func content(of range: Range<UInt64>) throws -> [VolumePiece] {
    try reader.content(of: range)
  }

  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent] {
    try reader.allocation(of: range, limit: limit)
  }

  func close() { session.end() }
}
