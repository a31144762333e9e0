package import ObjectStorage

extension Repository {
  /// The sessions that live.
  ///
  /// - Throws: ``StoreError``, also where one that lives cannot be read.
  package func liveSessions() throws(StoreError) -> [LiveSession] { try sessions.live() }

  /// Sessions that nobody holds: their processes are gone.
  package func abandonedSessions() throws(StoreError) -> [ObjectKey] {
    try sessions.abandoned()
  }

  /// Removes what crashed sessions left.
  package func removeAbandonedSessions() throws(StoreError) {
    try sessions.removeAbandoned()
  }

  /// What a writing session that begins now takes for absent.
  package func absentContent() throws(StoreError) -> AbsentContent {
    var absent = AbsentContent()
    for stored in try condemnationObjects.list() {
      absent.packs.formUnion(stored.condemnation.packs.map(\.id))
    }
    absent.records = try quarantine().records
    return absent
  }
}
