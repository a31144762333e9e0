import ChunkFormat
import NIOCore
import Synchronization
import Workers

/// The plaintext of chunks used of late, and of those being fetched, for all readers of a process.
///
/// Bounded in bytes. Contents are never changed once they are here, so that slices of them can be given
/// out without copying. A failure to fetch goes to all who wait and is not kept.
final class ChunkCache: Sendable {
  fileprivate struct State {
    var held: TwoQueueCache<ByteBuffer>
    var pending: [ContentID: PendingChunk] = [:]
    var pendingBases: [ContentID: PendingChunk] = [:]
  }

  /// What a claim of chunks gives.
  struct Claim: Sendable {
    /// The chunks, in the order asked for.
    var handles: [ChunkHandle] = []
    /// Those that the caller is the one to get; for each, it must call ``settle(_:_:)``.
    var owed: [PendingChunk] = []
  }

  /// Most spare memory, as a part of the cache's bound.
  private static let spareShare = 16

  private let state: Mutex<State>
  /// Memory of chunks that were given up. To allocate and free as much for every chunk costs a quarter of
  /// the time of decoding it.
  private let spares: ObjectPool<ByteBuffer>

  /// - Parameter chunkSizeBytes: the longest content that a chunk can have.
  init(limitBytes: Int, chunkSizeBytes: Int) {
    state = Mutex(State(held: TwoQueueCache(limitBytes: limitBytes)))
    spares = ObjectPool(limit: limitBytes / Self.spareShare / chunkSizeBytes)
  }

  /// An empty buffer with room for `capacity` bytes.
  func makeBuffer(capacity: Int) -> ByteBuffer {
    guard var spare = spares.take() else {
      return ByteBufferAllocator().buffer(capacity: capacity)
    }
    // Takes other memory where somebody still holds a slice of this.
    spare.clear(minimumCapacity: capacity)
    return spare
  }

  /// Runs `body` with what is at hand; it must be quick.
  func withHeld<Result>(
    _ body: (inout TwoQueueCache<ByteBuffer>) -> sending Result
  ) -> sending Result {
    state.withLock { body(&$0.held) }
  }

  /// Plaintext that is kept, in bytes.
  var heldBytes: Int { state.withLock { $0.held.usedBytes } }

  /// Asks for chunks. As a base, a chunk is never given that may itself wait for a base: two chunks of
  /// which packs hold deltas on each other would wait for ever.
  func claim(_ ids: [ContentID], as role: PendingChunk.Role) -> Claim {
    state.withLock { state in
      var claim = Claim()
      claim.handles.reserveCapacity(ids.count)
      for id in ids {
        if let handle = state.find(id, as: role) {
          claim.handles.append(handle)
          continue
        }
        let chunk = PendingChunk(id: id, role: role)
        switch role {
        case .content: state.pending[id] = chunk
        case .base: state.pendingBases[id] = chunk
        }
        claim.handles.append(.pending(chunk))
        claim.owed.append(chunk)
      }
      return claim
    }
  }

  /// Gives the outcome of a chunk that was owed.
  func settle(_ chunk: PendingChunk, _ outcome: PendingChunk.Outcome) {
    let evicted = state.withLock { state in
      switch chunk.role {
      case .content: state.pending[chunk.id] = nil
      case .base: state.pendingBases[chunk.id] = nil
      }
      guard case .success(let content) = outcome else { return [ByteBuffer]() }
      return state.held.insert(content, id: chunk.id, bytes: content.capacity)
    }
    chunk.settle(outcome)
    for buffer in evicted { spares.putBack(buffer) }
  }
}

extension ChunkCache.State {
  fileprivate mutating func find(_ id: ContentID, as role: PendingChunk.Role) -> ChunkHandle? {
    if let content = held.find(id) { return .held(content) }
    if let chunk = pendingBases[id] { return .pending(chunk) }
    if let chunk = pending[id], role == .content || chunk.isStandalone { return .pending(chunk) }
    return nil
  }
}
