import Glibc
import Synchronization
package import VolumeSources

/// Compares what was stored with what the source holds now. Any thread may ask; one is served at a
/// time.
package final class SourceComparison: Sendable {
  private let source: any VolumeSource
  private let buffer = Mutex<[UInt8]>([])

  package init(_ source: any VolumeSource) { self.source = source }

  /// Whether the source gave holes that nobody has read.
  var hasUnreadHoles: Bool { source.takesHolesOnTrust }

  /// What the source holds in a range that the revision has as a hole.
  enum HoleContent: Sendable {
    case zeros
    /// Data that came since.
    case changed
    /// Data that was there already; the first of it is at this offset.
    case missed(offsetBytes: UInt64)
  }

  /// Reads a range that the revision has as a hole; what cannot be read any more counts as changed.
  func content(ofHole range: Range<UInt64>) -> HoleContent {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 4096)
    defer { bytes.deallocate() }
    guard let count = try? source.read(into: bytes, at: range.lowerBound), count == range.count
    else { return .changed }
    if UnsafeRawBufferPointer(bytes).isAllZeros { return .zeros }
    let offset = range.lowerBound + UInt64(bytes.firstIndex { $0 != 0 } ?? 0)
    return source.isHoleByMistake(at: offset) ? .missed(offsetBytes: offset) : .changed
  }

  /// Whether the source holds `bytes` at `offsetBytes`; it does not where it cannot be read any more.
  func holds(_ bytes: [UInt8], at offsetBytes: UInt64) -> Bool {
    buffer.withLock { buffer in
      if buffer.count < bytes.count {
        buffer = Array(repeating: 0, count: bytes.count)
      }
      return buffer.withUnsafeMutableBytes { buffer in
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytes.count])
        guard let count = try? source.read(into: part, at: offsetBytes) else { return false }
        return count == bytes.count
          && bytes.withUnsafeBytes {
            memcmp(part.baseAddress!, $0.baseAddress!, count) == 0
          }
      }
    }
  }
}
