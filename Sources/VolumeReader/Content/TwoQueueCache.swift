import ChunkFormat
import DequeModule

/// Which chunks are kept: 2Q (Johnson and Shasha, 1994), bounded in bytes.
///
/// New chunks enter a first-in first-out queue, `recent`. Only one that is wanted again after it has
/// left that queue is taken for popular and enters `frequent`, whose members are given up by the clock
/// algorithm. So a chunk that one pass through a disk reads in 32 pieces of 4 KiB does not count as
/// popular: policies that count every hit, such as S3-FIFO, are flooded by just that. A hit sets a mark
/// and moves nothing.
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
  /// Ids that left `recent` of late, as many as there are chunks.
  private var ghosts = Deque<ContentID>()
  private var ghostSet: Set<ContentID> = []

  init(limitBytes: Int) {
    self.limitBytes = limitBytes
  }

  /// The part of the bound that `recent` may fill while there is something in `frequent`.
  private var recentLimitBytes: Int { limitBytes / 4 }

  /// The value of `id`, if it is there; counts as use.
  mutating func find(_ id: ContentID) -> Value? {
    guard let slot = slotOfID[id] else { return nil }
    slots[slot].wasUsed = true
    return slots[slot].value
  }

  /// Adds a value of `bytes`; nothing happens where it is there already or larger than the bound.
  ///
  /// - Returns: what had to go, so that the caller can free it when no lock is held.
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
