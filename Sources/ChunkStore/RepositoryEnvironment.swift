package import ChunkFormat
package import FileIO
import LocalObjects
import ObjectStorage
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

  /// What holds the repository in a directory.
  func storage(at root: FilePath) -> any ObjectStorage {
    LocalObjects(root: root, fileSystem: fileSystem)
  }
}
