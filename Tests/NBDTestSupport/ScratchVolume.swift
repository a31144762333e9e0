import NBDProtocol
package import NBDServer
import NIOCore
import Synchronization
package import VolumeMap
package import VolumeReader

/// A disk in memory that can be written, and that tells what was done to it.
package final class ScratchVolume: WritableVolume, ExportContexts {
  package enum Deed: Equatable {
    case write(Range<UInt64>)
    case zero(Range<UInt64>, mayTrim: Bool)
    case trim(Range<UInt64>)
    case sync
  }

  private struct State {
    var bytes: [UInt8]
    var deeds: [Deed] = []
    var closeCount = 0
    var largestPayloadBytes = 0
  }

  package let sizeBytes: UInt64
  /// Nothing is written at and past this offset: there is no room.
  private let roomBytes: UInt64
  /// Writes and syncs wait here until it is opened.
  private let gate: Gate?
  /// Writes of so many bytes at most are said to be quick.
  private let quickBytes: Int
  /// Names of the contexts that it has, each of which says that everything has the flag of its place.
  private let contextNames: [String]
  private let state: Mutex<State>

  package init(
    sizeBytes: UInt64, roomBytes: UInt64 = .max, gate: Gate? = nil, quickBytes: Int = 0,
    contexts: [String] = []
  ) {
    self.sizeBytes = sizeBytes
    self.roomBytes = roomBytes
    self.gate = gate
    self.quickBytes = quickBytes
    contextNames = contexts
    state = Mutex(State(bytes: [UInt8](repeating: 0, count: Int(sizeBytes))))
  }

  package var deeds: [Deed] { state.withLock { $0.deeds } }
  package var closeCount: Int { state.withLock { $0.closeCount } }
  package var largestPayloadBytes: Int { state.withLock { $0.largestPayloadBytes } }

  package func bytes(_ range: Range<UInt64>) -> [UInt8] {
    state.withLock { Array($0.bytes[Int(range.lowerBound)..<Int(range.upperBound)]) }
  }

  // MARK: Reading

  package func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? { nil }

  package func content(of range: Range<UInt64>) -> [VolumePiece] {
    [.data(ByteBuffer(bytes: bytes(range)))]
  }

  package func allocation(of range: Range<UInt64>, limit: Int) -> [AllocationExtent] {
    [
      AllocationExtent(
        offsetBytes: range.lowerBound, lengthBytes: UInt64(range.count), isHole: false)
    ]
  }

  package func contexts(matching queries: [String]) -> [ExportContext] {
    let isList = queries.contains("varve:")
    return zip(1..., contextNames).filter { isList || queries.contains($1) }.map {
      ExportContext(name: $1, source: UniformStatus(flags: $0))
    }
  }

  package func close() { state.withLock { $0.closeCount += 1 } }

  // MARK: Writing

  package func isQuickToWrite(_ range: Range<UInt64>) -> Bool { range.count <= quickBytes }

  package func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws {
    gate?.wait()
    let range = offsetBytes..<offsetBytes + UInt64(bytes.count)
    try requireRoom(range)
    state.withLock { state in
      state.deeds.append(.write(range))
      state.largestPayloadBytes = max(state.largestPayloadBytes, bytes.count)
      state.bytes.withUnsafeMutableBytes {
        $0[Int(range.lowerBound)..<Int(range.upperBound)].copyBytes(from: bytes)
      }
    }
  }

  package func zero(_ range: Range<UInt64>, mayTrim: Bool) throws {
    try requireRoom(range)
    clear(range, .zero(range, mayTrim: mayTrim))
  }

  package func trim(_ range: Range<UInt64>) { clear(range, .trim(range)) }

  package func synchronize() {
    gate?.wait()
    state.withLock { $0.deeds.append(.sync) }
  }

  private func clear(_ range: Range<UInt64>, _ deed: Deed) {
    state.withLock { state in
      state.deeds.append(deed)
      state.bytes.withUnsafeMutableBytes { target in
        _ = target[Int(range.lowerBound)..<Int(range.upperBound)].initializeMemory(
          as: UInt8.self, repeating: 0)
      }
    }
  }

  private func requireRoom(_ range: Range<UInt64>) throws {
    guard range.upperBound <= roomBytes else {
      throw NoRoom(description: "overlay of web01/vda: no room for \(range)")
    }
  }
}

private struct NoRoom: VolumeWriteFailure, CustomStringConvertible {
  let description: String
  var isOutOfSpace: Bool { true }
}

/// Says the same of everything.
private struct UniformStatus: StatusSource {
  package let flags: UInt32

  package func status(of range: Range<UInt64>, limit: Int) -> [StatusExtent] {
    [StatusExtent(lengthBytes: UInt64(range.count), flags: flags)]
  }
}

/// Offers one volume as `disk`, shared, or a new one to whoever asks.
package struct ScratchCatalog: ExportCatalog {
  package var isShared = true
  package let make: @Sendable () -> ScratchVolume

  /// One volume for all.
  package init(_ volume: ScratchVolume) { make = { volume } }

  package init(each make: @escaping @Sendable () -> ScratchVolume) {
    isShared = false
    self.make = make
  }

  package func list() -> [ExportListing] { [ExportListing(name: "disk", description: "scratch")] }

  package func open(_ name: String) -> OpenedExport? {
    guard name == "disk" else { return nil }
    let volume = make()
    return OpenedExport(
      canonicalName: "disk", description: "scratch", volume: volume, contexts: volume,
      isShared: isShared, close: { volume.close() })
  }
}

/// Makes volumes of 1 MiB and remembers them.
package final class MadeVolumes: Sendable {
  private let volumes = Mutex<[ScratchVolume]>([])

  package init() {}

  package var all: [ScratchVolume] { volumes.withLock { $0 } }

  package func make() -> ScratchVolume {
    let volume = ScratchVolume(sizeBytes: 1 << 20)
    volumes.withLock { $0.append(volume) }
    return volume
  }
}
