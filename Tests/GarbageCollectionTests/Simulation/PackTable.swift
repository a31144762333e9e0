import ChunkFormat
@testable import ChunkStore
import FileIO

/// The content of all packs, read from the packs themselves without the index or the store.
/// Everything else is compared with it.
struct PackTable {
  /// A copy of a record, and whether its hash was right.
  struct Copy {
    let entry: PackEntry
    let isIntact: Bool
  }

  struct Contents {
    let kind: PackKind
    let lengthBytes: UInt64
    let copies: [ContentID: [Copy]]

    var recordBytes: UInt64 {
      copies.values.joined().reduce(0) { $0 + UInt64($1.entry.rangeInPack.count) }
    }
  }

  private(set) var packs: [PackID: Contents] = [:]
  /// The packs that contain a record.
  private var holders: [ContentID: Set<PackID>] = [:]
  /// All content that was ever read. An id stands for one content only.
  private(set) var contents: [ContentID: [UInt8]] = [:]
  private var maps: [ContentID: MapContents] = [:]
  private let decoder: RecordDecoder
  private let hasher: ContentHasher

  /// The nodes and chunks of a map.
  struct MapContents {
    var nodes: [ContentID] = []
    var chunks: [ChunkNumber: ContentID] = [:]
  }

  init() throws {
    decoder = try RecordDecoder()
    hasher = try ContentHasher(idKey: nil)
  }

  /// Reads the packs that exist now.
  mutating func update(from objects: PackObjects) throws {
    let found = try objects.list()
    let there = Set(found.map(\.id))
    for id in packs.keys where !there.contains(id) { drop(id) }
    // The base of a delta may be in a pack that comes later in the list.
    var new = found.filter { packs[$0.id] == nil }
    for _ in 0..<3 where !new.isEmpty {
      var waiting: [(id: PackID, kind: PackKind)] = []
      for (id, kind) in new {
        let inventory = try PackInventory(of: try objects.pack(id, kind: kind), idKey: nil)
        if let damage = inventory.footerDamage { throw damage }
        if inventory.entries.allSatisfy({ isBaseKnown($0, in: inventory) }) {
          try add(inventory)
        } else {
          waiting.append((id, kind))
        }
      }
      new = waiting
    }
    for (id, kind) in new {
      try add(PackInventory(of: try objects.pack(id, kind: kind), idKey: nil))
    }
  }

  /// Forgets what was read before, because files may have changed.
  mutating func forgetPacks() { (packs, holders) = ([:], [:]) }

  private func isBaseKnown(_ entry: PackEntry, in inventory: PackInventory) -> Bool {
    guard let base = entry.base else { return true }
    return contents[base] != nil || inventory.entries.contains { $0.id == base && $0.base == nil }
  }

  private mutating func drop(_ id: PackID) {
    for record in packs[id]?.copies.keys ?? [:].keys { holders[record]?.remove(id) }
    packs[id] = nil
  }

  private mutating func add(_ inventory: PackInventory) throws {
    var copies: [ContentID: [Copy]] = [:]
    // Bases may come after their deltas.
    for entry in inventory.entries.filter({ $0.base == nil })
      + inventory.entries.filter({ $0.base != nil })
    {
      let content = try? read(entry, in: inventory.pack)
      if let content { contents[entry.id] = content }
      copies[entry.id, default: []].append(Copy(entry: entry, isIntact: content != nil))
      holders[entry.id, default: []].insert(inventory.pack.id)
    }
    packs[inventory.pack.id] = Contents(
      kind: inventory.pack.kind, lengthBytes: inventory.pack.lengthBytes, copies: copies)
  }

  private func read(_ entry: PackEntry, in pack: Pack) throws -> [UInt8] {
    let range = entry.rangeInPack
    let record = try pack.bytes(count: range.count, at: range.lowerBound)
    let base = try entry.base.map { id in
      guard let base = contents[id] else {
        throw StoreError(.notFound, "base \(id) was never seen")
      }
      return base
    }
    var content = [UInt8](repeating: 0, count: Int(entry.plainBytes))
    try content.withUnsafeMutableBytes { output in
      try record.withUnsafeBytes { record in
        try (base ?? []).withUnsafeBytes { bytes in
          try decoder.decode(
            record, expecting: entry, seal: pack.seal, base: base == nil ? nil : bytes,
            into: output)
        }
      }
    }
    let id = try content.withUnsafeBytes { try hasher.id(of: $0, type: entry.type) }
    guard id == entry.id else { throw StoreError(.damaged, "\(entry.id) holds \(id)") }
    return content
  }

  // MARK: - Queries

  /// Returns all copies of a record, with their packs.
  func copies(of id: ContentID) -> [(pack: PackID, copy: Copy)] {
    (holders[id] ?? []).flatMap { pack in
      (packs[pack]?.copies[id] ?? []).map { (pack, $0) }
    }
  }

  /// Whether the record can be read from the existing packs.
  func isReadable(_ id: ContentID, deltas: Int = 0) -> Bool {
    copies(of: id).contains { _, copy in
      copy.isIntact
        && (copy.entry.base.map { deltas < 8 && isReadable($0, deltas: deltas + 1) } ?? true)
    }
  }

  /// Returns the content of a map. Nil if one of its nodes was never seen.
  mutating func map(_ root: ContentID) throws -> MapContents? {
    if let known = maps[root] { return known }
    var map = MapContents()
    guard try walk(root, first: 0, &map) else { return nil }
    maps[root] = map
    return map
  }

  private func walk(_ id: ContentID, first: ChunkNumber, _ map: inout MapContents) throws -> Bool {
    guard !id.isHole else { return true }
    guard let bytes = contents[id] else { return false }
    let node = try MapNode(encoded: bytes)
    map.nodes.append(id)
    for (number, child) in node.children.enumerated() where !child.isHole {
      if node.level == 0 {
        map.chunks[first + UInt64(number)] = child
      } else {
        // The simulated disks have at most two levels.
        let start = first + UInt64(number * MapNode.fanout)
        guard node.level == 1, try walk(child, first: start, &map) else { return false }
      }
    }
    return true
  }
}
