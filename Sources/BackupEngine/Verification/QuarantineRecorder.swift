import ChunkFormat
import ChunkStore
import Workers

/// Collects damaged copies and records them in the repository's quarantine, many at a time. Records
/// nothing if the repository is read-only. Serves one thread.
final class QuarantineRecorder {
  private let repository: Repository
  private let context: WorkContext
  private let finder: String
  private var gathered: [DamagedCopy] = []
  /// How many copies were added to the quarantine. Copies that were already there do not count.
  private(set) var newCopies = 0
  /// Why copies were not recorded. Nil if all were.
  private(set) var refusal: StoreError?

  init(repository: Repository, context: WorkContext, finder: String) {
    self.repository = repository
    self.context = context
    self.finder = finder
  }

  func add(_ copies: [DamagedCopy]) throws {
    gathered += copies
    if gathered.count >= QuarantineReport.maximumCopies { try flush() }
  }

  /// Records the collected copies.
  func flush() throws {
    defer { gathered = [] }
    do throws(StoreError) {
      newCopies += try repository.quarantine(gathered, finder: finder, context: context)
    } catch  where error.preventsWriting {
      refusal = error
    }
  }
}
