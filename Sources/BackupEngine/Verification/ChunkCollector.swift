import ChunkFormat
import VolumeMap

/// Gathers chunks into batches, passing over those that a sample leaves out.
struct ChunkCollector: MapVisitor {
  private let batchChunks: Int
  private let volume: VolumeVerification
  private let sink: (VolumeVerification.Work) throws -> Void
  /// Nil to pass over nothing.
  private var sample: ChunkSample?
  private var batch: [VolumeVerification.Chunk] = []
  private var passedOver = 0

  /// - Parameter volume: knows what to report of a node that cannot be used.
  init(
    of volume: VolumeVerification, sample: ChunkSample?, batchChunks: Int,
    sink: @escaping (VolumeVerification.Work) throws -> Void
  ) {
    self.volume = volume
    self.sample = sample
    self.batchChunks = batchChunks
    self.sink = sink
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }

  mutating func visit(chunk id: ContentID, number: UInt64) throws {
    guard sample?.takesNext() ?? true else {
      passedOver += 1
      return
    }
    batch.append(VolumeVerification.Chunk(number: number, id: id))
    if batch.count == batchChunks { try flush() }
  }

  mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    try sink(try volume.nodeDamage(error))
  }

  mutating func flush() throws {
    guard !batch.isEmpty || passedOver > 0 else { return }
    try sink(.chunks(batch, passedOver: passedOver))
    (batch, passedOver) = ([], 0)
  }
}
