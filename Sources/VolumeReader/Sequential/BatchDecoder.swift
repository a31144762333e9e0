import ChunkFormat
import NIOCore
import Synchronization
import VolumeMap

/// Successive chunks that are fetched together.
struct ChunkBatch: Sendable {
  let firstChunk: UInt64
  let ids: [ContentID]
}

/// The content of a batch: chunk after chunk, with gaps where one could not be had.
struct DecodedBatch: Sendable {
  let batch: ChunkBatch
  let content: BatchBuffer
  /// By index of the chunk in the batch.
  let failures: [Int: VolumeReadError]
}

/// Fetches whole batches on the calling thread: all records of a batch, and the bases of its deltas, in as
/// few reads as possible, straight into the batch's buffer.
///
/// The base of a delta is the content that the same place had before, as a rule, so the bases of a batch
/// lie side by side in an older pack, among the chunks of the batch that have not changed since.
struct BatchDecoder: Sendable {
  private enum Want: Sendable {
    /// The chunk of this index in the batch.
    case chunk(Int)
    case base
  }

  private typealias Stretch = PackStretch<Want>
  private typealias Found = (location: PackedRecord, bytes: UnsafeRawBufferPointer)

  let volume: String
  let geometry: MapGeometry
  let source: any RecordSource
  let stretches: StretchLimits
  let bases: BaseCache
  let buffers: BatchBuffers

  func decode(_ batch: ChunkBatch, _ bench: Workbench) -> DecodedBatch {
    let content = buffers.take()
    let plan = plan(batch)
    let found = read(plan.stretches, bench)
    let baseContents = decodeBases(found.bases, atHand: plan.bases, bench)
    var isDecoded = Array(repeating: false, count: batch.ids.count)
    for (index, record) in found.chunks {
      let base = record.location.entry.base.map { baseContents[$0] }
      if case .some(nil) = base { continue }
      let output = output(index, of: batch, in: content)
      isDecoded[index] =
        (try? bench.decode(
          record.bytes, at: record.location, base: base ?? nil, into: output)) != nil
    }
    return finish(batch, content, isDecoded)
  }

  /// The stretches to read, and the bases that are at hand.
  private func plan(
    _ batch: ChunkBatch
  ) -> (stretches: [Stretch], bases: [ContentID: ByteBuffer]) {
    var records: [Stretch.Record] = []
    var (atHand, wanted): ([ContentID: ByteBuffer], Set<ContentID>) = ([:], [])
    for (index, location) in locations(of: batch.ids, areBases: false).enumerated() {
      guard let location, Int(location.entry.plainBytes) == length(index, of: batch)
      else { continue }
      records.append(Stretch.Record(location: location, item: .chunk(index)))
      guard let base = location.entry.base, atHand[base] == nil else { continue }
      atHand[base] = bases.find(base)
      if atHand[base] == nil { wanted.insert(base) }
    }
    for case .some(let location) in locations(of: Array(wanted), areBases: true) {
      records.append(Stretch.Record(location: location, item: .base))
    }
    return (Stretch.plan(records, within: stretches), atHand)
  }

  private func locations(of ids: [ContentID], areBases: Bool) -> [PackedRecord?] {
    guard !ids.isEmpty, let locations = try? source.locations(of: ids) else { return [] }
    return locations.map { location in
      let isPlausible = location?.isPlausibleChunk(
        isBase: areBases, lengthLimitBytes: geometry.chunkSizeBytes)
      return isPlausible == true ? location : nil
    }
  }

  /// Reads all stretches, one behind the other, into the workbench.
  private func read(
    _ stretches: [Stretch], _ bench: Workbench
  ) -> (chunks: [(Int, Found)], bases: [Found]) {
    bench.reserve(bytes: stretches.reduce(0) { $0 + $1.lengthBytes })
    var (chunks, bases): ([(Int, Found)], [Found]) = ([], [])
    var start = 0
    for stretch in stretches {
      let room = UnsafeMutableRawBufferPointer(rebasing: bench.scratch[start...])
      start += stretch.lengthBytes
      guard let bytes = try? stretch.read(into: room) else { continue }
      for (record, bytes) in zip(stretch.records, bytes) {
        switch record.item {
        case .chunk(let index): chunks.append((index, (record.location, bytes)))
        case .base: bases.append((record.location, bytes))
        }
      }
    }
    return (chunks, bases)
  }

  private func decodeBases(
    _ found: [Found], atHand: [ContentID: ByteBuffer], _ bench: Workbench
  ) -> [ContentID: ByteBuffer] {
    var contents = atHand
    for (location, bytes) in found {
      let length = Int(location.entry.plainBytes)
      guard
        let content = try? bench.decode(
          bytes, at: location, base: nil, into: ByteBufferAllocator().buffer(capacity: length))
      else { continue }
      contents[location.entry.id] = content
      bases.insert(content, id: location.entry.id)
    }
    return contents
  }

  /// What did not work the fast way is done the thorough way, which tries every copy and knows what is
  /// wrong where none will do.
  private func finish(
    _ batch: ChunkBatch, _ content: BatchBuffer, _ isDecoded: [Bool]
  ) -> DecodedBatch {
    var failures: [Int: VolumeReadError] = [:]
    for index in isDecoded.indices where !isDecoded[index] {
      do {
        let chunk = try source.content(
          of: batch.ids[index], type: .chunk, plainBytes: length(index, of: batch))
        output(index, of: batch, in: content).copyBytes(from: chunk)
      } catch {
        failures[index] = VolumeReadError(
          RecordFailure(error), volume: volume,
          range: geometry.bytes(ofChunk: batch.firstChunk + UInt64(index)))
      }
    }
    return DecodedBatch(batch: batch, content: content, failures: failures)
  }

  private func length(_ index: Int, of batch: ChunkBatch) -> Int {
    geometry.plainLengthBytes(ofChunk: batch.firstChunk + UInt64(index))
  }

  private func output(
    _ index: Int, of batch: ChunkBatch, in content: BatchBuffer
  ) -> UnsafeMutableRawBufferPointer {
    let start = index * geometry.chunkSizeBytes
    return UnsafeMutableRawBufferPointer(
      rebasing: content.bytes[start..<start + length(index, of: batch)])
  }
}

/// Bases of deltas, for the batches of one run: content that was moved about has its base elsewhere in the
/// volume.
final class BaseCache: Sendable {
  private let held: Mutex<TwoQueueCache<ByteBuffer>>

  init(limitBytes: Int) { held = Mutex(TwoQueueCache(limitBytes: limitBytes)) }

  func find(_ id: ContentID) -> ByteBuffer? { held.withLock { $0.find(id) } }

  func insert(_ content: ByteBuffer, id: ContentID) {
    _ = held.withLock { $0.insert(content, id: id, bytes: content.capacity) }
  }
}
