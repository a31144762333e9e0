import Glibc
import Synchronization
package import VolumeSources

/// Compares what was stored with what the source holds now. Any thread may ask; one is served at a
/// time.
package final class SourceComparison: Sendable {
  private let source: any VolumeSource
  private let buffer = Mutex<[UInt8]>([])

  package init(_ source: any VolumeSource) { self.source = source }

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
