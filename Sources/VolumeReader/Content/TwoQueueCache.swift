import ChunkFormat
import DequeModule

/// Decides which chunks stay in the cache, with the 2Q algorithm (Johnson and Shasha, 1994) and a
/// limit in bytes.
///
/// New chunks enter a first-in first-out queue, `recent`. Only a chunk that is requested again
/// after it has left that queue counts as popular and enters `frequent`, which evicts chunks with
/// the clock algorithm. So a single pass over a disk does not make a chunk popular, even if it
/// reads the chunk in 32 pieces of 4 KiB. Policies that count every hit, such as S3-FIFO, would
/// fill up with such chunks. A hit sets a mark and moves nothing.
struct TwoQueueCache<Value> {
  private struct Slot {
    var id: ContentID
    var value: Value?
    var bytes: Int
    var wasUsed = false
  }

  let limitBytes: Int
  private(set) var usedBytes = 0

  private var slots: [Slot] = []
  private var freeSlots: [Int] = []
  private var slotOfID: [ContentID: Int] = [:]
  private var recent = Deque<Int>()
  private var recentBytes = 0
  private var frequent = Deque<Int>()
  /// The ids that have recently left `recent`, at most as many as there are cached chunks (at least
  /// 16).
  private var ghosts = Deque<ContentID>()
  private var ghostSet: Set<ContentID> = []

  init(limitBytes: Int) {
    self.limitBytes = limitBytes
  }

  /// The limit of `recent`, which applies while `frequent` is not empty.
  private var recentLimitBytes: Int { limitBytes / 4 }

  /// Returns the value of `id`, if it is cached, and marks it as used.
  mutating func find(_ id: ContentID) -> Value? {
    guard let slot = slotOfID[id] else { return nil }
    slots[slot].wasUsed = true
    return slots[slot].value
  }

  /// Adds a value of `bytes`. Does nothing if the id is already cached or the value exceeds the
  /// limit.
  ///
  /// - Returns: the evicted values, so that the caller can free them when it holds no lock.
  @discardableResult
  mutating func insert(_ value: Value, id: ContentID, bytes: Int) -> [Value] {
    guard slotOfID[id] == nil, bytes <= limitBytes else { return [] }
    let slot = freeSlots.popLast() ?? slots.count
    if slot == slots.count {
      slots.append(Slot(id: id, value: value, bytes: bytes))
    } else {
      slots[slot] = Slot(id: id, value: value, bytes: bytes)
    }
    slotOfID[id] = slot
    usedBytes += bytes
    if ghostSet.remove(id) != nil {
      frequent.append(slot)
    } else {
      recent.append(slot)
      recentBytes += bytes
    }
    var evicted: [Value] = []
    while usedBytes > limitBytes {
      if let value = evict() { evicted.append(value) }
    }
    return evicted
  }

  private mutating func evict() -> Value? {
    if recentBytes > recentLimitBytes || frequent.isEmpty, let slot = recent.popFirst() {
      recentBytes -= slots[slot].bytes
      remember(slots[slot].id)
      return free(slot)
    }
    while let slot = frequent.popFirst() {
      if !slots[slot].wasUsed { return free(slot) }
      slots[slot].wasUsed = false
      frequent.append(slot)
    }
    return nil
  }

  private mutating func free(_ slot: Int) -> Value? {
    usedBytes -= slots[slot].bytes
    slotOfID[slots[slot].id] = nil
    freeSlots.append(slot)
    return slots[slot].value.take()
  }

  private mutating func remember(_ id: ContentID) {
    ghosts.append(id)
    ghostSet.insert(id)
    while ghosts.count > max(slotOfID.count, 16), let oldest = ghosts.popFirst() {
      ghostSet.remove(oldest)
    }
  }
}
