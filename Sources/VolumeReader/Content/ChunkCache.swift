import ChunkFormat
import NIOCore
import Synchronization
import Workers

/// The plaintext of recently used chunks, and the chunks that are being fetched, for all readers of
/// a process.
///
/// The cache is limited in bytes. Cached content never changes, so slices of it can be returned
/// without copying. A fetch error goes to all threads that wait for the chunk, and is not cached.
final class ChunkCache: Sendable {
  fileprivate struct State {
    var held: TwoQueueCache<ByteBuffer>
    var pending: [ContentID: PendingChunk] = [:]
    var pendingBases: [ContentID: PendingChunk] = [:]
  }

  /// The result of a request for chunks.
  struct Claim: Sendable {
    /// The chunks, in the order of the request.
    var handles: [ChunkHandle] = []
    /// The chunks that the caller must fetch. For each of them, the caller must call
    /// ``settle(_:_:)``.
    var owed: [PendingChunk] = []
  }

  /// The limit of spare memory, as a part of the cache's limit.
  private static let spareShare = 16

  private let state: Mutex<State>
  /// The memory of evicted chunks, for reuse. Allocating and freeing the memory of every chunk
  /// would take a quarter of the decoding time.
  private let spares: ObjectPool<ByteBuffer>

  /// Creates an empty cache.
  ///
  /// - Parameter chunkSizeBytes: the greatest length of a chunk.
  init(limitBytes: Int, chunkSizeBytes: Int) {
    state = Mutex(State(held: TwoQueueCache(limitBytes: limitBytes)))
    spares = ObjectPool(limit: limitBytes / Self.spareShare / chunkSizeBytes)
  }

  /// Returns an empty buffer with room for `capacity` bytes.
  func makeBuffer(capacity: Int) -> ByteBuffer {
    guard var spare = spares.take() else {
      return ByteBufferAllocator().buffer(capacity: capacity)
    }
    // Allocates new memory if a slice of this buffer is still in use.
    spare.clear(minimumCapacity: capacity)
    return spare
  }

  /// Runs `body` with the cached chunks. It must return quickly.
  func withHeld<Result>(
    _ body: (inout TwoQueueCache<ByteBuffer>) -> sending Result
  ) -> sending Result {
    state.withLock { body(&$0.held) }
  }

  /// The cached plaintext, in bytes.
  var heldBytes: Int { state.withLock { $0.held.usedBytes } }

  /// Requests chunks. For the role of a base, the result never contains a chunk that may itself
  /// wait for a base. Otherwise two chunks that are stored as deltas of each other would wait
  /// forever.
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

  /// Provides the result of a chunk that the caller had to fetch.
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
