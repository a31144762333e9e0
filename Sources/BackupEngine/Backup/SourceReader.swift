import ChunkFormat
import Glibc
import VolumeSources
import Workers

/// What a source gives, in the order of the volume; what is left out is hole.
enum SourceStretch: Sendable {
  case piece(SourcePiece)
  /// Chunks that are as in the parent revision.
  case unchanged(Range<UInt64>)
}

/// Reads a source from front to back in pieces of whole chunks, and passes over what it calls holes
/// and, where that is wanted, unchanged.
struct SourceReader {
  let source: any VolumeSource
  /// Whether the source's word is taken for what is as in the parent, which is as long.
  let takesUnchanged: Bool
  let chunkSizeBytes: Int
  let pieceBytes: Int
  /// Pieces that can be used again.
  let pieces: ObjectPool<SourcePiece>

  /// Hands every stretch that may hold data to `sink`, in order; returns the size of the volume.
  ///
  /// - Parameter progress: told how far reading has come, holes included.
  func run(
    sink: (SourceStretch) throws -> Void, progress: (UInt64) -> Void
  ) throws -> UInt64 {
    var offset: UInt64 = 0
    // The first byte that has not been handed on; the end of a chunk, or of the volume.
    var handed: UInt64 = 0
    while true {
      if takesUnchanged, let end = try source.unchangedEnd(from: offset) {
        handed = try passOver(offset..<end, handed, sink, progress)
        offset = max(end, handed)
      } else {
        guard let extent = try source.nextExtent(at: offset) else { break }
        if !extent.isHole {
          let start = max(extent.offsetBytes.rounded(downTo: chunk), handed)
          handed = try read(start, upTo: extent.endBytes, sink, progress)
        }
        offset = max(extent.endBytes, handed)
      }
      progress(offset)
    }
    try source.finish()
    return source.sizeBytes ?? offset
  }

  private var chunk: UInt64 { UInt64(chunkSizeBytes) }

  /// Hands on the whole chunks of an unchanged stretch as such, and reads those at its ends of which it
  /// holds a part.
  private func passOver(
    _ range: Range<UInt64>, _ handed: UInt64, _ sink: (SourceStretch) throws -> Void,
    _ progress: (UInt64) -> Void
  ) throws -> UInt64 {
    let first = max(range.lowerBound.rounded(upTo: chunk), handed)
    let isAtEnd = range.upperBound == source.sizeBytes
    let last = isAtEnd ? range.upperBound : range.upperBound.rounded(downTo: chunk)
    let start = max(range.lowerBound.rounded(downTo: chunk), handed)
    guard first < last else { return try read(start, upTo: range.upperBound, sink, progress) }
    _ = try read(start, upTo: first, sink, progress)
    try sink(.unchanged(first / chunk..<last.rounded(upTo: chunk) / chunk))
    return try read(last, upTo: range.upperBound, sink, progress)
  }

  /// Reads from `start`, the beginning of a chunk, to the end of the chunk that `limit` lies in.
  private func read(
    _ start: UInt64, upTo limit: UInt64, _ sink: (SourceStretch) throws -> Void,
    _ progress: (UInt64) -> Void
  ) throws -> UInt64 {
    var offset = start
    let end = source.sizeBytes.map { min(limit.rounded(upTo: chunk), $0) } ?? limit
    while offset < end {
      let piece = pieces.take() ?? SourcePiece(limitBytes: pieceBytes)
      let wanted = min(UInt64(pieceBytes), end - offset)
      piece.offsetBytes = offset
      piece.lengthBytes = try source.read(
        into: UnsafeMutableRawBufferPointer(rebasing: piece.memory[..<Int(wanted)]), at: offset)
      guard piece.lengthBytes > 0 else { break }
      offset += UInt64(piece.lengthBytes)
      try sink(.piece(piece))
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

/// A piece of a volume on its way through the pipeline: some whole chunks, but for the volume's end.
final class SourcePiece: @unchecked Sendable {
  // Passed from stage to stage; each stage is alone with it.
  let memory: UnsafeMutableRawBufferPointer
  var offsetBytes: UInt64 = 0
  var lengthBytes = 0

  /// - Parameter limitBytes: the most that it can hold.
  init(limitBytes: Int) { memory = .allocate(byteCount: limitBytes, alignment: 4096) }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<lengthBytes]) }
}

extension UnsafeRawBufferPointer {
  /// Whether every byte is zero.
  var isAllZeros: Bool {
    guard count > 0, self[0] == 0 else { return count == 0 }
    // Equal to itself one byte further on, and zero at the start: zero throughout.
    return memcmp(baseAddress!, baseAddress! + 1, count - 1) == 0
  }
}
