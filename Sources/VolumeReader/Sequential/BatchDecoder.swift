import ChunkFormat
import NIOCore
import Synchronization
import VolumeMap
import Workers

/// Consecutive chunks that are fetched together.
struct ChunkBatch: Sendable {
  let firstChunk: ChunkNumber
  let ids: [ContentID]
}

/// The content of a batch: chunk after chunk, with gaps for chunks that could not be read.
struct DecodedBatch: Sendable {
  let batch: ChunkBatch
  let content: BatchBuffer
  /// The errors, by the index of the chunk in the batch.
  let failures: [Int: VolumeReadError]
}

/// The memory for the content of one batch. Only one thread at a time may use it.
final class BatchBuffer: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(lengthBytes: Int) {
    bytes = .allocate(byteCount: lengthBytes, alignment: 4096)
  }

  deinit { bytes.deallocate() }
}

/// Fetches whole batches on the calling thread. Reads all records of a batch, and the bases of its
/// deltas, with as few reads as possible, straight into the buffer of the batch.
///
/// The base of a delta is usually the earlier content at the same offset. So the bases of a batch
/// lie side by side in an older pack, together with the unchanged chunks of the batch.
struct BatchDecoder: Sendable {
  private enum Want: Sendable {
    /// The chunk with this index in the batch.
    case chunk(Int)
    case base
  }

  private typealias Stretch = PackStretch<Want>
  private typealias Found = (location: PackedRecord, bytes: UnsafeRawBufferPointer)

  let volume: String
  let geometry: MapGeometry
  let pipeline: ChunkPipeline
  let bases: BaseCache
  /// The length of the longest batch, in bytes.
  let batchBytes: Int
  /// As many buffers as the window of the run allows.
  let contents: ObjectPool<BatchBuffer>

  func decode(_ batch: ChunkBatch, _ buffers: DecodeBuffers) -> DecodedBatch {
    let content = contents.take() ?? BatchBuffer(lengthBytes: batchBytes)
    let plan = plan(batch)
    let found = read(plan.stretches, into: buffers)
    let baseContents = decodeBases(found.bases, atHand: plan.bases, buffers)
    var isDecoded = Array(repeating: false, count: batch.ids.count)
    for (index, record) in found.chunks {
      let base = record.location.entry.base.map { baseContents[$0] }
      if case .some(nil) = base { continue }
      let output = output(index, of: batch, in: content)
      isDecoded[index] =
        (try? buffers.decode(
          record.bytes, at: record.location, base: base ?? nil, into: output)) != nil
    }
    return finish(batch, content, isDecoded)
  }

  /// Returns the stretches to read, and the bases that are already cached.
  private func plan(
    _ batch: ChunkBatch
  ) -> (stretches: [Stretch], bases: [ContentID: ByteBuffer]) {
    var records: [Stretch.Record] = []
    var (atHand, wanted): ([ContentID: ByteBuffer], Set<ContentID>) = ([:], [])
    for (index, location) in pipeline.locate(batch.ids, areBases: false).enumerated() {
      guard let location, Int(location.entry.plainBytes) == length(index, of: batch)
      else { continue }
      records.append(Stretch.Record(location: location, item: .chunk(index)))
      guard let base = location.entry.base, atHand[base] == nil else { continue }
      atHand[base] = bases.find(base)
      if atHand[base] == nil { wanted.insert(base) }
    }
    for case .some(let location) in pipeline.locate(Array(wanted), areBases: true) {
      records.append(Stretch.Record(location: location, item: .base))
    }
    return (pipeline.plan(records), atHand)
  }

  private func read(
    _ stretches: [Stretch], into buffers: DecodeBuffers
  ) -> (chunks: [(Int, Found)], bases: [Found]) {
    var (chunks, bases): ([(Int, Found)], [Found]) = ([], [])
    pipeline.read(stretches, into: buffers) { record, bytes in
      guard let bytes else { return }
      switch record.item {
      case .chunk(let index): chunks.append((index, (record.location, bytes)))
      case .base: bases.append((record.location, bytes))
      }
    }
    return (chunks, bases)
  }

  private func decodeBases(
    _ found: [Found], atHand: [ContentID: ByteBuffer], _ buffers: DecodeBuffers
  ) -> [ContentID: ByteBuffer] {
    var contents = atHand
    for (location, bytes) in found {
      let length = Int(location.entry.plainBytes)
      guard
        let content = try? buffers.decode(
          bytes, at: location, base: nil, into: ByteBufferAllocator().buffer(capacity: length))
      else { continue }
      contents[location.entry.id] = content
      bases.insert(content, id: location.entry.id)
    }
    return contents
  }

  /// Recovers the chunks that were not decoded.
  private func finish(
    _ batch: ChunkBatch, _ content: BatchBuffer, _ isDecoded: [Bool]
  ) -> DecodedBatch {
    var failures: [Int: VolumeReadError] = [:]
    for index in isDecoded.indices where !isDecoded[index] {
      do throws(RecordFailure) {
        let chunk = try pipeline.recover(
          batch.ids[index], plainBytes: length(index, of: batch))
        output(index, of: batch, in: content).copyBytes(from: chunk)
      } catch {
        failures[index] = VolumeReadError(
          error, volume: volume,
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

/// Bases of deltas, for the batches of one run. They are needed if content was moved: its base then
/// lies elsewhere in the volume.
final class BaseCache: Sendable {
  private let held: Mutex<TwoQueueCache<ByteBuffer>>

  init(limitBytes: Int) { held = Mutex(TwoQueueCache(limitBytes: limitBytes)) }

  func find(_ id: ContentID) -> ByteBuffer? { held.withLock { $0.find(id) } }

  func insert(_ content: ByteBuffer, id: ContentID) {
    _ = held.withLock { $0.insert(content, id: id, bytes: content.capacity) }
  }
}
