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

  func cachedContent(of range: Range<UInt64>) -> [ContentPiece]? {
    reader.cachedContent(of: range)?.map(ContentPiece.init)
  }

  func content(of range: Range<UInt64>) throws -> [ContentPiece] {
    try reader.content(of: range).map(ContentPiece.init)
  }

  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent] {
    try reader.allocation(of: range, limit: limit).map {
      AllocationExtent(lengthBytes: $0.lengthBytes, isHole: $0.isHole)
    }
  }

  func close() { session.end() }
}

extension ContentPiece {
  fileprivate init(_ piece: VolumePiece) {
    switch piece {
    // A request is at most 32 MiB long, and so are its pieces.
    case .hole(let lengthBytes): self = .hole(lengthBytes: Int(lengthBytes))
    case .data(let bytes): self = .data(bytes)
    }
  }
}
