import ChunkFormat
import Glibc
import VolumeSources
import Workers

/// The content of a source, in the order of the volume. Omitted ranges are holes.
enum SourceStretch: Sendable {
  case piece(SourcePiece)
  /// Chunks that are the same as in the parent revision.
  case unchanged(Range<ChunkNumber>)
}

/// Reads a source from its beginning to its end in pieces of whole chunks. Skips the ranges that
/// the source reports as holes and, if this is requested, as unchanged.
struct SourceReader {
  let source: any VolumeSource
  /// Whether to skip ranges that the source reports as unchanged since the parent. The parent must
  /// then have the same size.
  let takesUnchanged: Bool
  let chunkSizeBytes: Int
  let pieceBytes: Int
  /// Pieces for reuse.
  let pieces: ObjectPool<SourcePiece>

  /// Passes every range that may have data to `sink`, in order. Returns the size of the volume.
  ///
  /// - Parameter progress: called with the current offset, including holes.
  func run(
    sink: (SourceStretch) throws -> Void, progress: (UInt64) -> Void
  ) throws -> UInt64 {
    var offset: UInt64 = 0
    // The first byte that was not passed on yet. It is at the end of a chunk or of the volume.
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

  /// Passes the whole chunks of an unchanged range on as unchanged. Reads the chunks at both ends
  /// that are only partly in the range.
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
    try sink(
      .unchanged(ChunkNumber(first / chunk)..<ChunkNumber(last.rounded(upTo: chunk) / chunk)))
    return try read(last, upTo: range.upperBound, sink, progress)
  }

  /// Reads from `start`, the beginning of a chunk, to the end of the chunk that contains `limit`.
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

/// A piece of a volume in the pipeline. It consists of whole chunks, except at the end of the
/// volume.
final class SourcePiece: @unchecked Sendable {
  // Stages pass it on. Only one stage at a time uses it.
  let memory: UnsafeMutableRawBufferPointer
  var offsetBytes: UInt64 = 0
  var lengthBytes = 0

  /// Allocates the memory of a piece.
  ///
  /// - Parameter limitBytes: the greatest length of the piece.
  init(limitBytes: Int) { memory = .allocate(byteCount: limitBytes, alignment: 4096) }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<lengthBytes]) }
}

extension UnsafeRawBufferPointer {
  /// Whether every byte is zero.
  var isAllZeros: Bool {
    guard count > 0, self[0] == 0 else { return count == 0 }
    // If the first byte is zero and each byte equals the next one, all are zero.
    return memcmp(baseAddress!, baseAddress! + 1, count - 1) == 0
  }
}
