package import ChunkFormat

extension PackIndex {
  /// The index as it was at one moment; for the thread that began.
  package struct Reading {
    let view: IndexView
    let directory: IndexDirectory

    /// The packs that are listed, under their numbers.
    package func packs() throws(StoreError) -> [UInt32: IndexedPack] {
      try PackIndex.reportingIndexErrors(in: directory) { () throws(LMDBError) in
        try view.packsByNumber()
      }
    }

    /// Every copy of every record in the order of ids, those of packs that are not listed included,
    /// until `body` returns false.
    package func forEachRecord(
      _ body: (ContentID, IndexedRecord) -> Bool
    ) throws(StoreError) {
      try PackIndex.reportingIndexErrors(in: directory) { () throws(LMDBError) in
        try view.forEachRecord(body)
      }
    }

    /// Every copy of one record.
    package func records(of id: ContentID) throws(StoreError) -> [IndexedRecord] {
      try PackIndex.reportingIndexErrors(in: directory) { () throws(LMDBError) in
        try view.records(of: id)
      }
    }
  }
}
