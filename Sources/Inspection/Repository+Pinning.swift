import ChunkFormat
import ChunkStore
import Workers

extension Repository {
  /// All revisions, and a session that pins those that can be read. What is forgotten before it is pinned is
  /// no longer in the list.
  func pinningAll(
    _ purpose: String, context: WorkContext
  ) throws -> (listing: RevisionListing, session: Session) {
    while true {
      try context.cancellation.check()
      let listing = try revisions()
      let session = try session(
        purpose, pinning: listing.entries.map(\.id), context: context)
      if let session { return (listing, session) }
    }
  }

  /// Nil where one of `ids` was forgotten meanwhile.
  private func session(
    _ purpose: String, pinning ids: [RevisionID], context: WorkContext
  ) throws(StoreError) -> Session? {
    do throws(StoreError) {
      return try beginReading(purpose, pinned: ids, context: context)
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
