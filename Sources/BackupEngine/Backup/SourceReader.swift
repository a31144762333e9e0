import ChunkFormat
import VolumeSources

/// Reads a source from front to back in pieces of whole chunks, and passes over what it calls holes.
struct SourceReader {
  let source: any VolumeSource
  let chunkSizeBytes: Int
  let pieceBytes: Int
  let pool: SourcePiecePool

  /// Hands every piece that may hold data to `sink`, in order; returns the size of the volume.
  ///
  /// - Parameter progress: told how far reading has come, holes included.
  func run(
    sink: (SourcePiece) throws -> Void, progress: (UInt64) -> Void
  ) throws -> UInt64 {
    var offset: UInt64 = 0
    // The first byte that has not been handed on; the end of a chunk, or of the volume.
    var handed: UInt64 = 0
    while let extent = try source.nextExtent(at: offset) {
      if !extent.isHole {
        let start = max(extent.offsetBytes.rounded(downTo: chunk), handed)
        handed = try read(start, extent, sink, progress)
      }
      offset = max(extent.endBytes, handed)
      progress(offset)
    }
    try source.finish()
    return source.sizeBytes ?? offset
  }

  private var chunk: UInt64 { UInt64(chunkSizeBytes) }

  /// Reads from `start` to the end of the last chunk that the extent touches.
  private func read(
    _ start: UInt64, _ extent: SourceExtent, _ sink: (SourcePiece) throws -> Void,
    _ progress: (UInt64) -> Void
  ) throws -> UInt64 {
    var offset = start
    let end =
      source.sizeBytes.map { min(extent.endBytes.rounded(upTo: chunk), $0) } ?? extent.endBytes
    while offset < end {
      let piece = pool.take()
      let wanted = min(UInt64(pieceBytes), end - offset)
      piece.offsetBytes = offset
      piece.lengthBytes = try source.read(
        into: UnsafeMutableRawBufferPointer(rebasing: piece.memory[..<Int(wanted)]), at: offset)
      guard piece.lengthBytes > 0 else { break }
      offset += UInt64(piece.lengthBytes)
      try sink(piece)
      progress(offset)
    }
    return offset
  }
}

extension UInt64 {
  fileprivate func rounded(downTo multiple: UInt64) -> UInt64 { self - self % multiple }

  fileprivate func rounded(upTo multiple: UInt64) -> UInt64 {
    let rest = self % multiple
    return rest == 0 ? self : self + (multiple - rest)
  }
}
