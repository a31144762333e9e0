package import ChunkFormat

extension RecordStore {
  /// The records of a pack as its own footer lists them, and the length of its file.
  ///
  /// - Throws: ``StoreError``: `.damaged` where the footer cannot be relied on; `.notFound` where the
  ///   pack is gone.
  package func contents(
    ofPack id: PackID, _ kind: PackKind
  ) throws(StoreError) -> (records: [RecordLocation], lengthBytes: UInt64) {
    let inventory = try PackInventory(of: try openPack(id, kind), idKey: nil)
    if let damage = inventory.footerDamage { throw damage }
    return (inventory.records, inventory.pack.lengthBytes)
  }

  /// Copies of a record in packs that are listed, but for those that are `absent`.
  package func copies(
    of id: ContentID, absent: AbsentContent
  ) throws(StoreError) -> [RecordLocation] {
    try copies(of: id).filter { !absent.includes(id, in: $0.pack.id) }
  }

  /// Deletes packs for good: the files, then the index's entries.
  package func delete(_ packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    try deleteFiles(packs)
    do throws(StoreError) {
      try write { index throws(StoreError) in
        for (id, _) in packs { try index.remove(id) }
      }
    } catch  where error.code == .noSpace || error.code == .index {
      // Where there is no room yet: whoever relies on the index compares it with the packs first.
    }
  }
}
