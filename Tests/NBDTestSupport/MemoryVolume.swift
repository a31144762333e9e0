package import VolumeMap
package import NBDServer
import NIOCore
package import VolumeReader
import Synchronization

/// A disk in memory, in chunks of 128 KiB, some of them holes.
package final class MemoryVolume: ReadableVolume {
  package struct Damage: Error, CustomStringConvertible {
    package let description: String
  }

  package static let chunkBytes = 128 << 10

  package let sizeBytes: UInt64
  private let chunks: [ByteBuffer?]
  /// Whether reads are answered from the cache, on the event loop.
  private let isCached: Bool
  /// Reads of this chunk fail.
  private let damagedChunk: Int?
  /// Reads wait here until it is opened.
  private let gate: Gate?
  private let closings = Mutex(0)
  private let fetches = Mutex<[Range<UInt64>]>([])

  package init(
    sizeBytes: UInt64, isCached: Bool = true, damagedChunk: Int? = nil, gate: Gate? = nil,
    isHole: (Int) -> Bool = { _ in false }
  ) {
    self.sizeBytes = sizeBytes
    self.isCached = isCached
    self.damagedChunk = damagedChunk
    self.gate = gate
    let count = (Int(sizeBytes) + Self.chunkBytes - 1) / Self.chunkBytes
    chunks = (0..<count).map { index in
      guard !isHole(index) else { return nil }
      let length = min(Self.chunkBytes, Int(sizeBytes) - index * Self.chunkBytes)
      var bytes = ByteBuffer(repeating: UInt8(truncatingIfNeeded: index), count: length)
      for start in stride(from: 0, to: length - 7, by: 64) {
        bytes.setInteger(UInt64(index) << 32 | UInt64(start), at: start)
      }
      return bytes
    }
  }

  package var closeCount: Int { closings.withLock { $0 } }
  /// What was read on threads for that.
  package var fetched: [Range<UInt64>] { fetches.withLock { $0 } }

  package func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    isCached ? pieces(of: range) : nil
  }

  package func content(of range: Range<UInt64>) throws -> [VolumePiece] {
    fetches.withLock { $0.append(range) }
    gate?.wait()
    if let damagedChunk, index(range.lowerBound)...index(range.upperBound - 1) ~= damagedChunk {
      throw Damage(description: "volume web01/vda: chunk \(damagedChunk) is damaged in pack f00d")
    }
    return pieces(of: range)
  }

  package func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent] {
    var extents: [AllocationExtent] = []
    var offset = range.lowerBound
    for piece in pieces(of: range) {
      defer { offset += piece.lengthBytes }
      let (length, isHole) =
        switch piece {
        case .data(let bytes): (bytes.readableBytes, false)
        case .hole(let length): (Int(length), true)
        }
      if extents.last?.isHole == isHole {
        extents[extents.count - 1].lengthBytes += UInt64(length)
      } else if extents.count < limit {
        extents.append(
          AllocationExtent(
            offsetBytes: offset, lengthBytes: UInt64(length), isHole: isHole))
      } else {
        break
      }
    }
    return extents
  }

  package func close() { closings.withLock { $0 += 1 } }

  /// The bytes of a range, as a client is to see them.
  package func bytes(_ range: Range<UInt64>) -> [UInt8] {
    pieces(of: range).flatMap { piece in
      switch piece {
      case .data(let bytes): Array(bytes.readableBytesView)
      case .hole(let length): [UInt8](repeating: 0, count: Int(length))
      }
    }
  }

  private func index(_ offset: UInt64) -> Int { Int(offset) / Self.chunkBytes }

  private func pieces(of range: Range<UInt64>) -> [VolumePiece] {
    var pieces: [VolumePiece] = []
    var next = Int(range.lowerBound)
    while next < Int(range.upperBound) {
      let start = next % Self.chunkBytes
      let length = min(Self.chunkBytes - start, Int(range.upperBound) - next)
      if let chunk = chunks[next / Self.chunkBytes],
        let slice = chunk.getSlice(at: start, length: length)
      {
        pieces.append(.data(slice))
      } else {
        pieces.append(.hole(lengthBytes: UInt64(length)))
      }
      next += length
    }
    return pieces
  }
}

/// A catalogue of volumes.
package struct MemoryCatalog: ExportCatalog {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  package var volumes: [String: MemoryVolume]
  package var defaultName: String?
  package var failure: String?

  package init(
    volumes: [String: MemoryVolume], defaultName: String? = nil, failure: String? = nil
  ) {
    self.volumes = volumes
    self.defaultName = defaultName
    self.failure = failure
  }

  package func list() throws -> [ExportListing] {
    if let failure { throw Failure(description: failure) }
    return volumes.sorted { $0.key < $1.key }.map {
      ExportListing(name: $0.key, description: "\($0.value.sizeBytes) bytes in memory")
    }
  }

  package func open(_ name: String) throws -> OpenedExport? {
    if let failure { throw Failure(description: failure) }
    let canonical = name.isEmpty ? defaultName ?? "" : name
    return volumes[canonical].map { volume in
      OpenedExport(
        canonicalName: canonical, description: "\(volume.sizeBytes) bytes in memory",
        volume: volume, close: { volume.close() })
    }
  }
}
