package import ChunkFormat
import FileIO
package import SystemPackage

/// What can be told of a repository without its keys: how things in it are named.
package struct RepositoryNames: Sendable {
  package let repository: RepositoryID
  package let isEncrypted: Bool
  package let revisions: [RevisionID]
  package let keys: [KeyID]
  package let pins: [PinName]

  /// - Throws: ``StoreError``: `.notARepository`, `.damaged`, `.unsupported`.
  package init(of root: FilePath, environment: RepositoryEnvironment) throws(StoreError) {
    let (layout, environment) = (RepositoryLayout(root: root), environment.confined(to: root))
    let fileSystem = environment.fileSystem
    let bytes = try Repository.readConfiguration(layout, fileSystem)
    let configuration = try reportingFormatErrors(of: layout.configuration.string) {
      () throws(FormatError) in try RepositoryConfiguration(encoded: bytes)
    }
    repository = configuration.id
    isEncrypted = configuration.isEncrypted
    let names = { (directory: FilePath) throws(StoreError) -> [String] in
      try reportingFileErrors { () throws(FileError) in
        try fileSystem.listIfThere(directory)?.map(\.name) ?? []
      }
    }
    revisions = try names(layout.revisions).compactMap { RevisionID(name: $0) }
    keys = try names(layout.keys).compactMap { KeyID(name: $0) }
    pins = try names(layout.pins).compactMap { PinName($0) }
  }
}
