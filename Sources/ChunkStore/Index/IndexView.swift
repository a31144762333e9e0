import ChunkFormat

/// The entries of the index in one state.
struct IndexView {
  private let file: IndexFile
  private let state: IndexFile.State
  private let memory = PageMemory()

  init(_ file: IndexFile, _ state: IndexFile.State) { (self.file, self.state) = (file, state) }

  private func tree(_ table: IndexTable) -> IndexTree {
    IndexTree(state.root(table), state.snapshot, file)
  }

  private func forEachValue(
    of key: UnsafeRawBufferPointer, in table: IndexTable,
    _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Void
  ) throws(LMDBError) {
    try tree(table).forEachValue(of: key, memory) { value throws(LMDBError) in
      try body(ValueCheck.content(of: value, key: key, in: table))
    }
  }

  private func forEach(
    in table: IndexTable,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(LMDBError) -> Bool
  ) throws(LMDBError) {
    try tree(table).forEach { key, value throws(LMDBError) in
      try body(key, ValueCheck.content(of: value, key: key, in: table))
    }
  }

  // MARK: - Packs

  /// Names of all packs.
  func packs() throws(LMDBError) -> Set<PackID> {
    var packs: Set<PackID> = []
    try forEach(in: .names) { name, _ throws(LMDBError) in
      if name.count == ContentID.lengthBytes { packs.insert(PackID(stored: name)) }
      return true
    }
    return packs
  }

  func packsByNumber() throws(LMDBError) -> [UInt32: IndexedPack] {
    var packs: [UInt32: IndexedPack] = [:]
    try forEach(in: .packs) { number, pack throws(LMDBError) in
      guard number.count == MemoryLayout<UInt32>.size, let pack = IndexedPack(pack) else {
        throw .damage("a pack is not what was written")
      }
      packs[UInt32(bigEndian: number.number(at: 0, as: UInt32.self))] = pack
      return true
    }
    return packs
  }

  /// The number of a pack; nil where it is not listed.
  func number(of id: PackID) throws(LMDBError) -> UInt32? {
    var found: UInt32?
    try LMDBKey.with(id.withUnsafeBytes { Array($0) }) { key throws(LMDBError) in
      try forEachValue(of: key, in: .names) { value throws(LMDBError) in
        guard value.count == MemoryLayout<UInt32>.size else {
          throw .damage("a value is not a number")
        }
        found = UInt32(bigEndian: value.number(at: 0, as: UInt32.self))
      }
    }
    return found
  }

  /// The pack of this number; nil where it is not listed.
  func pack(_ number: UInt32) throws(LMDBError) -> IndexedPack? {
    if let known = state.packs[number] { return known }
    var found: IndexedPack?
    try LMDBKey.with(number.bigEndianBytes) { key throws(LMDBError) in
      try forEachValue(of: key, in: .packs) { value throws(LMDBError) in
        guard let pack = IndexedPack(value) else { throw .damage("a pack is not what was written") }
        found = pack
      }
    }
    state.packs.keep(found, as: number)
    return found
  }

  // MARK: - Records

  func countLookUp() { file.countLookUp() }

  /// Every copy of a record in packs that are listed; those that are no deltas come first.
  func copies(of id: ContentID) throws(LMDBError) -> [(pack: IndexedPack, entry: PackEntry)] {
    var copies: [(pack: IndexedPack, entry: PackEntry)] = []
    for record in try records(of: id) {
      if let pack = try pack(record.pack) { copies.append((pack, record.entry)) }
    }
    guard copies.count > 1 else { return copies }
    return copies.filter { $0.entry.base == nil } + copies.filter { $0.entry.base != nil }
  }

  /// Number of copies of records.
  var recordCount: Int { Int(state.root(.records).entries) }

  /// Every copy of a record.
  func records(of id: ContentID) throws(LMDBError) -> [IndexedRecord] {
    var records: [IndexedRecord] = []
    try LMDBKey.with(id) { key throws(LMDBError) in
      try forEachValue(of: key, in: .records) { value throws(LMDBError) in
        guard let record = IndexedRecord(value, id: id) else {
          throw .damage("a record is not what was written")
        }
        records.append(record)
      }
    }
    return records
  }

  /// Every copy of every record in the order of ids, until `body` returns false.
  func forEachRecord(_ body: (ContentID, IndexedRecord) -> Bool) throws(LMDBError) {
    try forEach(in: .records) { key, value throws(LMDBError) in
      guard key.count == ContentID.lengthBytes,
        let record = IndexedRecord(value, id: ContentID(key))
      else { throw .damage("a record is not what was written") }
      return body(record.entry.id, record)
    }
  }

  /// Whether a pack that is listed holds the record, and its base where it is a delta; copies in
  /// `absent` do not count.
  func contains(
    _ id: ContentID, absent: AbsentContent, deltas: Int = 0
  ) throws(LMDBError) -> Bool {
    for record in try records(of: id) {
      guard let pack = try pack(record.pack)?.id, absent.isEmpty || !absent.includes(id, in: pack)
      else { continue }
      guard let base = record.entry.base else { return true }
      // A delta without its base is lost: it must be stored again while its content is at hand.
      if deltas < PackIndex.maximumDeltas,
        try contains(base, absent: absent, deltas: deltas + 1)
      {
        return true
      }
    }
    return false
  }
}
