import NIOCore
import VolumeReader

extension ByteBuffer {
  /// Whether the slice holds at least twice the memory that its bytes need. Such a slice is a small
  /// part of a chunk that may have left the cache.
  var isWasteful: Bool { readableBytes <= storageCapacity / 2 }
}

extension [VolumePiece] {
  /// Returns the same content. Copies each piece that would hold much more memory than was counted
  /// for it.
  func withoutWaste() -> [VolumePiece] {
    map { piece in
      guard case .data(let bytes) = piece, bytes.isWasteful else { return piece }
      return .data(ByteBuffer(bytes: bytes.readableBytesView))
    }
  }
}
