package import ChunkFormat

/// Copies of records that a writing session must not rely on, though the index lists them: what lies in
/// packs that are about to be deleted, and what was found damaged.
package struct AbsentContent: Sendable {
  package var packs: Set<PackID> = []
  package var records: Set<AbsentRecord> = []

  package init() {}

  var isEmpty: Bool { packs.isEmpty && records.isEmpty }

  func includes(_ id: ContentID, in pack: PackID) -> Bool {
    packs.contains(pack) || records.contains(AbsentRecord(pack: pack, id: id))
  }
}

/// One copy of a record.
package struct AbsentRecord: Hashable, Sendable {
  package let pack: PackID
  package let id: ContentID

  package init(pack: PackID, id: ContentID) {
    self.pack = pack
    self.id = id
  }
}
