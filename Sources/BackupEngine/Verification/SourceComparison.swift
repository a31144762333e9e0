import Glibc
import Synchronization
package import VolumeSources

/// Compares stored content with the current content of the source. Any thread may call it. Data is
/// compared by one thread at a time, holes by several at once.
package final class SourceComparison: Sendable {
  private let source: any VolumeSource
  private let buffer = Mutex<[UInt8]>([])

  package init(_ source: any VolumeSource) { self.source = source }

  /// Whether the source reported holes that nothing has read.
  var hasUnreadHoles: Bool { source.takesHolesOnTrust }

  /// The source's content in a range that is a hole in the revision.
  enum HoleContent: Sendable {
    case zeros
    /// Data written after the backup.
    case changed
    /// Data that already existed during the backup. It begins at this offset.
    case missed(offsetBytes: UInt64)
  }

  /// Reads a range that is a hole in the revision. A range that cannot be read any more counts as
  /// changed.
  func content(ofHole range: Range<UInt64>) -> HoleContent {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 4096)
    defer { bytes.deallocate() }
    guard let count = try? source.read(into: bytes, at: range.lowerBound), count == range.count
    else { return .changed }
    if UnsafeRawBufferPointer(bytes).isAllZeros { return .zeros }
    let offset = range.lowerBound + UInt64(bytes.firstIndex { $0 != 0 } ?? 0)
    return source.isHoleByMistake(at: offset) ? .missed(offsetBytes: offset) : .changed
  }

  /// Whether the source has `bytes` at `offsetBytes`. False if this range cannot be read any more.
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
