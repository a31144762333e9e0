import Glibc
import NIOCore
import Overlays
import TestSupport
import VolumeMap
import VolumeReader
import Workers

/// A base volume in memory, with chunks of 64 KiB. Chunks that are all zeros are holes.
final class MemoryVolume: ReadableVolume {
  struct Damage: Error, CustomStringConvertible {
    let description = "chunk 7 is damaged in pack f00d"
  }

  static let chunkBytes = 64 << 10

  private let chunks: [ByteBuffer?]
  let sizeBytes: UInt64
  /// Whether content is available without reading.
  private let isCached: Bool
  private let failing: Range<UInt64>
  /// Reads wait until this is true.
  private let gate: Monitor<Bool>?
  private let reads = Monitor(0)

  init(
    _ bytes: [UInt8], isCached: Bool = true, failing: Range<UInt64> = 0..<0,
    gate: Monitor<Bool>? = nil
  ) {
    self.gate = gate
    sizeBytes = UInt64(bytes.count)
    self.isCached = isCached
    self.failing = failing
    chunks = stride(from: 0, to: bytes.count, by: Self.chunkBytes).map { start in
      let chunk = start..<min(start + Self.chunkBytes, bytes.count)
      return bytes.isZero(chunk) ? nil : ByteBuffer(bytes: bytes[chunk])
    }
  }

  /// Returns bytes with data and holes: one of every three chunks is a hole.
  static func content(count: Int, using random: inout SeededRandom) -> [UInt8] {
    var bytes = random.bytes(count)
    for start in stride(from: chunkBytes, to: count, by: 3 * chunkBytes) {
      let end = min(start + chunkBytes, count)
      bytes.replaceSubrange(start..<end, with: repeatElement(0, count: end - start))
    }
    return bytes
  }

  /// Waits until ``content(of:)`` has been called.
  func waitForRead() { reads.wait { $0 > 0 } }

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    isCached ? pieces(of: range) : nil
  }

  func content(of range: Range<UInt64>) throws -> [VolumePiece] {
    reads.withLock { $0 += 1 }
    reads.broadcast()
    gate?.wait { $0 }
    if range.overlaps(failing) { throw Damage() }
    return pieces(of: range)
  }

  func allocation(of range: Range<UInt64>, limit: Int) -> [AllocationExtent] {
    var extents: [AllocationExtent] = []
    var offset = range.lowerBound
    for piece in pieces(of: range) {
      let isHole = if case .hole = piece { true } else { false }
      if extents.last?.isHole == isHole {
        extents[extents.count - 1].lengthBytes += piece.lengthBytes
      } else if extents.count < limit {
        extents.append(
          AllocationExtent(offsetBytes: offset, lengthBytes: piece.lengthBytes, isHole: isHole))
      } else {
        break
      }
      offset += piece.lengthBytes
    }
    return extents
  }

  private func pieces(of range: Range<UInt64>) -> [VolumePiece] {
    var pieces: [VolumePiece] = []
    var offset = Int(range.lowerBound)
    while offset < range.upperBound {
      let start = offset % Self.chunkBytes
      let count = min(Self.chunkBytes - start, Int(range.upperBound) - offset)
      if let slice = chunks[offset / Self.chunkBytes]?.getSlice(at: start, length: count) {
        pieces.append(.data(slice))
      } else {
        pieces.append(.hole(lengthBytes: UInt64(count)))
      }
      offset += count
    }
    return pieces
  }
}

/// A volume of any size. Its first bytes are `0x77`, the rest is a hole.
final class SparseVolume: ReadableVolume {
  let sizeBytes: UInt64
  private let dataBytes: UInt64

  init(sizeBytes: UInt64, dataBytes: UInt64 = 0) {
    self.sizeBytes = sizeBytes
    self.dataBytes = dataBytes
  }

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? { content(of: range) }

  func content(of range: Range<UInt64>) -> [VolumePiece] {
    let data = range.clamped(to: 0..<dataBytes)
    let rest = UInt64(range.count - data.count)
    return (data.isEmpty ? [] : [.data(ByteBuffer(repeating: 0x77, count: data.count))])
      + (rest == 0 ? [] : [.hole(lengthBytes: rest)])
  }

  func allocation(of range: Range<UInt64>, limit: Int) -> [AllocationExtent] {
    let data = range.clamped(to: 0..<dataBytes)
    let extents = [
      AllocationExtent(
        offsetBytes: data.lowerBound, lengthBytes: UInt64(data.count), isHole: false),
      AllocationExtent(
        offsetBytes: max(data.upperBound, range.lowerBound),
        lengthBytes: UInt64(range.count - data.count), isHole: true),
    ]
    return Array(extents.filter { $0.lengthBytes > 0 }.prefix(limit))
  }
}

extension OverlaidVolume {
  func write(_ bytes: [UInt8], at offsetBytes: UInt64) throws {
    try bytes.withUnsafeBytes { try write($0, at: offsetBytes) }
  }

  /// Returns the bytes of a range as a reader sees them. Also checks that cached content is the
  /// same.
  func bytes(_ range: Range<UInt64>) throws -> [UInt8] {
    let bytes = try content(of: range).bytes
    if let cached = cachedContent(of: range), !cached.bytes.isEqual(to: bytes) {
      throw MemoryVolume.Damage()
    }
    return bytes
  }

  func bytes() throws -> [UInt8] { try bytes(0..<sizeBytes) }
}

extension [VolumePiece] {
  var bytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(reduce(0) { $0 + $1.lengthBytes }))
    var offset = 0
    for piece in self {
      if case .data(let content) = piece {
        bytes.withUnsafeMutableBytes { bytes in
          content.withUnsafeReadableBytes {
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: $0)
          }
        }
      }
      offset += Int(piece.lengthBytes)
    }
    return bytes
  }
}

// The following code is fast enough even without optimisation.

extension [UInt8] {
  mutating func clear(_ range: Range<Int>) {
    withUnsafeMutableBytes { _ = memset($0.baseAddress! + range.lowerBound, 0, range.count) }
  }

  func isZero(_ range: Range<Int>) -> Bool {
    guard !range.isEmpty, self[range.lowerBound] == 0 else { return range.isEmpty }
    return withUnsafeBytes {
      let start = $0.baseAddress! + range.lowerBound
      return memcmp(start, start + 1, range.count - 1) == 0
    }
  }

  func isEqual(to other: [UInt8]) -> Bool {
    count == other.count
      && withUnsafeBytes { bytes in
        other.withUnsafeBytes {
          count == 0 || memcmp(bytes.baseAddress!, $0.baseAddress!, count) == 0
        }
      }
  }
}
