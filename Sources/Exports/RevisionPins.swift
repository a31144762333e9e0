import ChunkFormat
import ChunkStore
import Synchronization
import Workers

/// The pins for the revisions that an open export needs. One session holds them all.
final class RevisionPins: Sendable {
  /// The limit of revisions for one export. It is needed because clients choose the revisions, and
  /// the record of a session has a limited size.
  static let limit = 1024

  private let repository: Repository
  private let context: WorkContext
  private let purpose: String
  private let state: Mutex<(session: Session, pinned: [RevisionID])>

  /// Begins a session that pins `revision`.
  ///
  /// - Parameter purpose: a readable purpose for the list of sessions.
  init(
    _ revision: RevisionID, for purpose: String, in repository: Repository,
    context: WorkContext
  ) throws(StoreError) {
    self.repository = repository
    self.context = context
    self.purpose = purpose
    state = Mutex(
      (
        try repository.beginReading(purpose, pinned: [revision], context: context),
        [revision]
      ))
  }

  /// Pins another revision until ``end()``. Blocks.
  ///
  /// - Throws: `StoreError`, with `.invalidRequest` if there are too many revisions.
  func add(_ revision: RevisionID) throws {
    try state.withLock { state in
      guard !state.pinned.contains(revision) else { return }
      guard state.pinned.count < Self.limit else {
        throw StoreError(
          .invalidRequest,
          "\(purpose): it can be compared with at most \(Self.limit - 1) revisions at a time")
      }
      let pinned = state.pinned + [revision]
      let session = try repository.beginReading(
        purpose, pinned: pinned, held: state.pinned, context: context)
      // The old session ends only now, so that every revision is pinned by a session at every
      // moment.
      state.session.end()
      state = (session, pinned)
    }
  }

  func end() { state.withLock { $0.session.end() } }
}
