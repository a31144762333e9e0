import Glibc
import NIOCore
import VolumeMap
import VolumeReader
package import VolumeSources

/// A backup source: a volume as it appears through an overlay. It reports what is unchanged since
/// the revision under the overlay.
///
/// Nothing may write to the overlay during the backup.
package final class OverlaySource: VolumeSource {
  package let name: String
  package let kind = VolumeSourceKind.overlay
  package let canBeReadAgain = true

  private let volume: OverlaidVolume

  /// Creates a source for one volume of an overlay.
  ///
  /// - Parameters:
  ///   - name: the name for messages and for the new revision.
  ///   - volume: the volume to read.
  package init(name: String, volume: OverlaidVolume) {
    self.name = name
    self.volume = volume
  }

  package var sizeBytes: UInt64? { volume.sizeBytes }

  package func nextExtent(at offsetBytes: UInt64) throws(VolumeSourceError) -> SourceExtent? {
    guard offsetBytes < volume.sizeBytes else { return nil }
    return try reading(at: offsetBytes) { () throws(OverlayError) in
      guard let (part, state) = try volume.firstRun(in: offsetBytes..<volume.sizeBytes) else {
        return nil
      }
      guard state == .base else {
        return SourceExtent(
          offsetBytes: offsetBytes, lengthBytes: UInt64(part.count), isHole: state == .zero)
      }
      return try volume.allocation(of: part, limit: 1).first.map {
        SourceExtent(offsetBytes: offsetBytes, lengthBytes: $0.lengthBytes, isHole: $0.isHole)
      }
    }
  }

  package func unchangedEnd(from offsetBytes: UInt64) throws(VolumeSourceError) -> UInt64? {
    try reading(at: offsetBytes) { () throws(OverlayError) in
      var end: UInt64?
      while let (part, state) = try volume.firstRun(in: (end ?? offsetBytes)..<volume.sizeBytes),
        state == .base
      {
        end = part.upperBound
      }
      return end
    }
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(VolumeSourceError) -> Int {
    guard offsetBytes < volume.sizeBytes else { return 0 }
    let end = offsetBytes + min(UInt64(buffer.count), volume.sizeBytes - offsetBytes)
    let pieces = try reading(at: offsetBytes) { () throws(OverlayError) in
      try volume.content(of: offsetBytes..<end)
    }
    var done = 0
    for piece in pieces {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: buffer[done..<done + Int(piece.lengthBytes)])
      switch piece {
      case .hole: memset(part.baseAddress!, 0, part.count)
      case .data(let content): content.withUnsafeReadableBytes { part.copyMemory(from: $0) }
      }
      done += part.count
    }
    return done
  }

  /// Does nothing, because no error can have occurred.
  package func finish() {}

  private func reading<Result>(
    at offsetBytes: UInt64, _ body: () throws(OverlayError) -> Result
  ) throws(VolumeSourceError) -> Result {
    do throws(OverlayError) {
      return try body()
    } catch {
      throw .readFailed(name, at: offsetBytes, reason: error.description)
    }
  }
}
