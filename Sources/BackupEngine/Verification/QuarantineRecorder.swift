import ChunkFormat
import ChunkStore

/// Gathers damaged copies and notes them in the repository's quarantine, many at a time. In a repository
/// that cannot be written to nothing is noted. Serves one thread.
final class QuarantineRecorder {
  private let repository: Repository
  private let environment: RepositoryEnvironment
  private let finder: String
  private var gathered: [DamagedCopy] = []
  /// Copies that were noted for the first time.
  private(set) var newCopies = 0
  /// Why nothing was noted.
  private(set) var refusal: StoreError?

  init(repository: Repository, environment: RepositoryEnvironment, finder: String) {
    self.repository = repository
    self.environment = environment
    self.finder = finder
  }

  func add(_ copies: [DamagedCopy]) throws {
    gathered += copies
    if gathered.count >= QuarantineReport.maximumCopies { try flush() }
  }

  /// Notes what was gathered.
  func flush() throws {
    defer { gathered = [] }
    do throws(StoreError) {
      newCopies += try repository.quarantine(gathered, finder: finder, environment: environment)
    } catch  where error.preventsWriting {
      refusal = error
    }
  }
}
