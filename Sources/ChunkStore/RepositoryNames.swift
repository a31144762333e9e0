package import ChunkFormat
import ObjectStorage
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
    let storage = environment.storage(root)
    let bytes = try Repository.readConfiguration(storage)
    let configuration = try reportingFormatErrors(of: storage.place(of: .configuration)) {
      () throws(FormatError) in try RepositoryConfiguration(encoded: bytes)
    }
    repository = configuration.id
    isEncrypted = configuration.isEncrypted
    let names = { (area: ObjectArea) throws(StoreError) -> [String] in
      try reportingStorageErrors { () throws(StorageError) in
        try storage.listIfThere(area)?.map(\.key.name) ?? []
      }
    }
    revisions = try names(.revisions).compactMap { RevisionID(name: $0) }
    keys = try names(.keys).compactMap { KeyID(name: $0) }
    pins = try names(.pins).compactMap { PinName($0) }
  }
}
