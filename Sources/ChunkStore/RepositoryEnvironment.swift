package import ChunkFormat
package import FileIO
package import SystemPackage

/// Where a repository and its index are stored, and how; tests put other storage in its place.
package struct RepositoryEnvironment: Sendable {
  package var fileSystem: any FileSystem = POSIXFileSystem()
  /// Where to keep the index; nil to choose a place.
  package var indexDirectory: FilePath?
  /// A pack is closed when its records reach this many bytes.
  package var packTargetBytes = PackAssembly.standardTargetBytes
  package var passphraseCost = ScryptCost.standard

  package init() {}

  /// The same for what lies in a repository: no file of it is reached through a link, and whoever may
  /// use its directory may use what is made in it.
  func confined(to root: FilePath) -> RepositoryEnvironment {
    var environment = self
    environment.fileSystem = fileSystem.confined(to: root, newFiles: .likeDirectory)
    return environment
  }
}
