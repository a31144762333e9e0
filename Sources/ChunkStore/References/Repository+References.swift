extension Repository {
  /// The revisions among which a name is to be looked up, oldest first: all of them, but for a whole id,
  /// which needs no look at the others.
  package func candidates(
    for reference: RevisionReference
  ) throws(StoreError) -> [RevisionEntry] {
    if let id = reference.wholeID, let entry = try? revision(id) { return [entry] }
    return try revisions().entries
  }
}
