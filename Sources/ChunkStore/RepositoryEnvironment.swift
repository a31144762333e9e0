package import ChunkFormat
package import ObjectStorage
package import SystemPackage

/// Where a repository and its index are stored, and how; tests put other storage in its place.
package struct RepositoryEnvironment: Sendable {
  /// Opens the storage of the repository in a directory.
  package var storage: @Sendable (FilePath) -> any ObjectStorage
  /// Where to keep the index; nil to choose a place.
  package var indexDirectory: FilePath?
  /// A pack is closed when its records reach this many bytes.
  package var packTargetBytes = PackAssembly.standardTargetBytes
  package var passphraseCost = ScryptCost.standard

  package init(storage: @escaping @Sendable (FilePath) -> any ObjectStorage) {
    self.storage = storage
  }
}
