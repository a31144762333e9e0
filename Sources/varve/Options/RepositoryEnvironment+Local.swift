import ChunkStore
import LocalObjects

extension RepositoryEnvironment {
  /// Repositories are directories of this machine.
  static let local = RepositoryEnvironment(storage: LocalObjects.opener())
}
