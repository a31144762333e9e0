import ChunkFormat
import ChunkStore
import Synchronization
import Workers

/// The revisions that an open export needs, kept by one session however many they are.
final class RevisionPins: Sendable {
  /// Revisions that one export may need. Clients choose them, and a session's record is bounded.
  static let limit = 1024

  private let repository: Repository
  private let context: WorkContext
  private let purpose: String
  private let state: Mutex<(session: Session, pinned: [RevisionID])>

  /// - Parameter purpose: in words, for who looks at the list of sessions.
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

  /// Keeps another revision until ``end()``. Blocks.
  ///
  /// - Throws: `StoreError`; `.invalidRequest` when there are too many.
  func add(_ revision: RevisionID) throws {
    try state.withLock { state in
      guard !state.pinned.contains(revision) else { return }
      guard state.pinned.count < Self.limit else {
        throw StoreError(
          .invalidRequest,
          "\(purpose): it is compared with \(Self.limit - 1) revisions already, which is the most")
      }
      let pinned = state.pinned + [revision]
      let session = try repository.beginReading(
        purpose, pinned: pinned, held: state.pinned, context: context)
      // Only now: at no moment is a revision without a session that pins it.
      state.session.end()
      state = (session, pinned)
    }
  }

  func end() { state.withLock { $0.session.end() } }
}
