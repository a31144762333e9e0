import ChunkFormat
import Synchronization

/// What packs list themselves, in their footers, for whoever must not take the index's word that the
/// store has something. A pack's list is read once and kept, in few bytes a record, as long as there is
/// room.
final class PackLists: Sendable {
  /// Records whose places are kept: 12 bytes each.
  private static let capacity = 1 << 20

  fileprivate struct List {
    /// First bytes of ids, ascending, and beside them where the records are.
    let ids: [UInt64]
    let offsets: [UInt32]
    var lastUse: UInt64
  }

  fileprivate struct State {
    var lists: [PackID: List] = [:]
    var count = 0
    var clock: UInt64 = 0
  }

  private let packObjects: PackObjects
  private let state = Mutex(State())

  init(packObjects: PackObjects) { self.packObjects = packObjects }

  /// Whether the pack is there and its own list says that the record is where the index says.
  ///
  /// - Throws: ``StoreError`` where the pack cannot be looked at.
  func confirm(_ entry: PackEntry, in pack: IndexedPack) throws(StoreError) -> Bool {
    let (id, offset) = (Self.start(of: entry.id), entry.offsetBytes)
    if let isThere = state.withLock({ $0.use(pack.id)?.has(id, at: offset) }) { return isThere }
    guard let list = try read(pack) else { return false }
    state.withLock { $0.keep(list, of: pack.id, capacity: Self.capacity) }
    return list.has(id, at: offset)
  }

  /// Nil where the pack is gone, or cannot be relied on.
  private func read(_ pack: IndexedPack) throws(StoreError) -> List? {
    let entries: [PackEntry]
    do throws(StoreError) {
      guard try packObjects.isThere(pack.id, pack.kind) else { return nil }
      entries = try PackInventory(
        of: try packObjects.pack(pack.id, kind: pack.kind), idKey: packObjects.idKey
      ).entries
    } catch  where [.damaged, .notFound, .unsupported].contains(error.code) {
      return nil
    }
    let sorted = entries.map { (Self.start(of: $0.id), $0.offsetBytes) }.sorted { $0 < $1 }
    return List(ids: sorted.map(\.0), offsets: sorted.map(\.1), lastUse: 0)
  }

  private static func start(of id: ContentID) -> UInt64 { id.leadingBits }
}

extension PackLists.List {
  fileprivate func has(_ id: UInt64, at offset: UInt32) -> Bool {
    var (low, high) = (0, ids.count)
    while low < high {
      let middle = (low + high) / 2
      if ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    while low < ids.count, ids[low] == id {
      if offsets[low] == offset { return true }
      low += 1
    }
    return false
  }
}

extension PackLists.State {
  fileprivate mutating func use(_ pack: PackID) -> PackLists.List? {
    guard let list = lists[pack] else { return nil }
    clock += 1
    lists[pack]?.lastUse = clock
    return list
  }

  fileprivate mutating func keep(_ list: PackLists.List, of pack: PackID, capacity: Int) {
    guard lists[pack] == nil else { return }
    clock += 1
    lists[pack] = list
    lists[pack]?.lastUse = clock
    count += list.ids.count
    guard count > capacity else { return }
    // Half of them go at once, so that the search for the oldest is paid rarely.
    let uses = lists.values.map(\.lastUse).sorted()
    let median = uses[uses.count / 2]
    lists = lists.filter { $0.value.lastUse >= median }
    count = lists.values.reduce(0) { $0 + $1.ids.count }
  }
}
