import ChunkFormat

extension PackIndex {
  /// The index while it is being changed; for the thread that began.
  struct Writing {
    private let transaction: IndexTransaction
    /// As it was before.
    private let view: IndexView
    private let directory: IndexDirectory

    init(
      _ transaction: IndexTransaction, _ file: IndexFile, _ directory: IndexDirectory
    ) {
      self.transaction = transaction
      self.directory = directory
      view = IndexView(file, transaction.state)
    }

    /// Names of all packs that were listed before.
    func packs() throws(StoreError) -> Set<PackID> {
      try reporting { () throws(LMDBError) in try view.packs() }
    }

    /// As ``PackIndex/copies(of:)`` before anything was changed.
    func copies(of id: ContentID) throws(StoreError) -> [(pack: IndexedPack, entry: PackEntry)] {
      view.countLookUp()
      return try reporting { () throws(LMDBError) in try view.copies(of: id) }
    }

    /// Lists a pack with its records; one that is listed already is left as it is.
    func add(_ pack: IndexedPack, entries: [PackEntry]) throws(StoreError) {
      guard try !isListed(pack.id) else { return }
      let number = try reserveNumbers(1)
      try reporting { () throws(LMDBError) in
        for entry in entries {
          try put(
            .records, entry.id.withUnsafeBytes { Array($0) },
            IndexedRecord.encode(entry, pack: number))
        }
      }
      try list(pack, under: number)
    }

    /// Lists a pack whose records were entered under `number`; one that is listed already is left as it
    /// is.
    func list(_ pack: IndexedPack, under number: UInt32) throws(StoreError) {
      guard try !isListed(pack.id) else { return }
      try reporting { () throws(LMDBError) in
        try put(.packs, number.bigEndianBytes, pack.encoded)
        try put(.names, pack.id.withUnsafeBytes { Array($0) }, number.bigEndianBytes)
      }
    }

    /// Enters a record of a pack that is to be listed later; quickest in the order of ids.
    ///
    /// - Parameter record: as ``IndexedRecord`` encodes it.
    func append(
      _ id: UnsafeRawBufferPointer, _ record: UnsafeRawBufferPointer
    ) throws(StoreError) {
      try reporting { () throws(LMDBError) in
        try transaction.put(.records, id, record, isLast: true)
      }
    }

    /// Takes numbers for `count` packs, which nobody else gets; returns the first. They only grow, so
    /// that what was left of a pack is never taken for another's.
    func reserveNumbers(_ count: Int) throws(StoreError) -> UInt32 {
      try reporting { () throws(LMDBError) in
        let counter = Array("counter".utf8)
        let stored = try get(.names, counter) ?? UInt32(0).bigEndianBytes
        let last = stored.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        // Nobody has so many packs: the counter is not what was written, and the index is made anew.
        guard let next = UInt32(exactly: UInt64(last) + UInt64(count)), next < UInt32.max else {
          throw .damage("counting packs")
        }
        try put(.names, counter, next.bigEndianBytes)
        return last + 1
      }
    }

    private func isListed(_ id: PackID) throws(StoreError) -> Bool {
      try reporting { () throws(LMDBError) in
        try get(.names, id.withUnsafeBytes { Array($0) }) != nil
      }
    }

    /// Takes a pack off the list; its records' entries stay behind and count as absent.
    func remove(_ id: PackID) throws(StoreError) {
      try reporting { () throws(LMDBError) in
        let name = id.withUnsafeBytes { Array($0) }
        guard let number = try get(.names, name) else { return }
        try LMDBKey.with(number) { key throws(LMDBError) in try transaction.remove(.packs, key) }
        try LMDBKey.with(name) { key throws(LMDBError) in try transaction.remove(.names, key) }
      }
    }

    private func get(_ table: IndexTable, _ key: [UInt8]) throws(LMDBError) -> [UInt8]? {
      try LMDBKey.with(key) { key throws(LMDBError) in
        try transaction.get(table, key).map { Array($0) }
      }
    }

    private func put(
      _ table: IndexTable, _ key: [UInt8], _ value: [UInt8]
    ) throws(LMDBError) {
      try LMDBKey.with(key) { key throws(LMDBError) in
        try LMDBKey.with(value) { value throws(LMDBError) in try transaction.put(table, key, value)
        }
      }
    }

    private func reporting<Result>(
      _ body: () throws(LMDBError) -> Result
    ) throws(StoreError) -> Result {
      try PackIndex.reportingIndexErrors(in: directory, body)
    }
  }
}
