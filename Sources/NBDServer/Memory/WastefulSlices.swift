import NIOCore
import VolumeReader

extension ByteBuffer {
  /// Whether it keeps twice the memory in use that its bytes need, or more: a small part of a chunk
  /// that may be in no cache any more.
  var isWasteful: Bool { readableBytes <= storageCapacity / 2 }
}

extension [VolumePiece] {
  /// The same content, copied where it would keep much more memory in use than was counted for it.
  func withoutWaste() -> [VolumePiece] {
    map { piece in
      guard case .data(let bytes) = piece, bytes.isWasteful else { return piece }
      return .data(ByteBuffer(bytes: bytes.readableBytesView))
    }
  }
}
