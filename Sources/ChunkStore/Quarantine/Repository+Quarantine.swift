package import ChunkFormat
package import Workers

extension Repository {
  /// Copies that are known to be damaged.
  ///
  /// - Throws: ``StoreError`` where they cannot be listed.
  package func quarantine() throws(StoreError) -> QuarantineListing {
    try quarantineObjects.list()
  }

  /// Notes copies as damaged: from now on, writing sessions that begin store their content again. Those
  /// that are noted already stay as they were.
  ///
  /// - Parameter finder: what found them, in words.
  /// - Returns: how many are new.
  @discardableResult
  package func quarantine(
    _ copies: [DamagedCopy], finder: String, context: WorkContext
  ) throws(StoreError) -> Int {
    try quarantineObjects.add(
      copies, found: context.now(), host: context.host.name, finder: finder)
  }

  /// Forgets about copies in packs that are gone. For who removed them, and knows that nothing in them
  /// was needed or that it lies in another pack.
  ///
  /// - Returns: what was forgotten.
  @discardableResult
  package func releaseQuarantine(
    ofPacks gone: Set<PackID>
  ) throws(StoreError) -> [QuarantinedCopy] {
    guard !gone.isEmpty else { return [] }
    return try quarantineObjects.release { gone.contains($0.copy.pack) }
  }

  /// Removes a report that cannot be read, for who has looked at the packs anew.
  package func removeQuarantineReport(_ name: QuarantineReportID) throws(StoreError) {
    try quarantineObjects.remove(name)
  }

  /// Looks at each quarantined copy again, and lets go of those that read back now, since somebody put
  /// a good file in the place of the bad one, and of those that are gone while their content is in
  /// another pack.
  ///
  /// - Returns: what was let go of.
  package func reviewQuarantine(context: WorkContext) throws -> [QuarantinedCopy] {
    let listing = try quarantine()
    guard !listing.copies.isEmpty else { return [] }
    let review = try QuarantineReview(
      records: records, damaged: listing.records, idKey: keys?.idKey)
    var over: Set<AbsentRecord> = []
    for entry in listing.copies {
      try context.cancellation.check()
      if try review.isOver(entry) { over.insert(entry.record) }
    }
    return over.isEmpty ? [] : try quarantineObjects.release { over.contains($0.record) }
  }
}

/// Decides which quarantined copies are damaged no longer.
struct QuarantineReview {
  private let records: RecordStore
  private let damaged: Set<AbsentRecord>
  private let present: Set<PackID>
  private let reader: RecordReader

  init(
    records: RecordStore, damaged: Set<AbsentRecord>, idKey: SecretBytes?
  ) throws(StoreError) {
    self.records = records
    self.damaged = damaged
    present = try records.packsPresent()
    reader = try RecordReader(store: records, provingWith: idKey)
  }

  /// Whether the copy reads back, or is gone and its content lies elsewhere.
  func isOver(_ entry: QuarantinedCopy) throws(StoreError) -> Bool {
    let copies = try records.copies(of: entry.copy.id)
    guard present.contains(entry.copy.pack) else {
      for copy in copies where present.contains(copy.pack.id) {
        let record = AbsentRecord(pack: copy.pack.id, id: copy.entry.id)
        if !damaged.contains(record), try reads(copy) { return true }
      }
      return false
    }
    guard let copy = copies.first(where: { $0.pack.id == entry.copy.pack }) else { return false }
    copy.pack.forgetCached()
    return try reads(copy)
  }

  private func reads(_ copy: RecordLocation) throws(StoreError) -> Bool {
    do throws(StoreError) {
      _ = try reader.read(copy)
      return true
    } catch  where error.code == .damaged || error.code == .notFound {
      return false
    }
  }
}
