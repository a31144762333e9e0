package import ChunkFormat
import FileIO
import SystemPackage

extension Repository {
  /// How long revisions are kept, as it was written down; nothing where nobody did.
  ///
  /// - Throws: ``StoreError``: `.damaged`, `.unsupported` for rules of a later program.
  package func retentionPolicies() throws(StoreError) -> RetentionPolicies {
    let path = layout.policies
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try fileSystem.readAll(path, limitBytes: RetentionPolicies.maximumFileBytes)
    } catch {
      guard error.code == .notFound else { throw StoreError(error) }
      return RetentionPolicies()
    }
    return try reportingFormatErrors(of: path.string) { () throws(FormatError) in
      try RetentionPolicies(encoded: bytes, repository: configuration.id, keys: keys)
    }
  }

  /// Writes down how long revisions are kept; changes by others at the same time are not lost.
  ///
  /// - Throws: ``StoreError``, also `.invalidRequest` for what the file cannot hold; and what `change`
  ///   throws.
  package func updateRetentionPolicies(
    _ change: (inout RetentionPolicies) throws -> Void
  ) throws {
    let lock = try revisionShelf.lockMarks()
    defer { lock.close() }
    let current = try retentionPolicies()
    var policies = current
    try change(&policies)
    guard policies != current else { return }
    let bytes = try reportingFormatErrors(of: layout.policies.string) { () throws(FormatError) in
      try policies.encoded(repository: configuration.id, keys: keys)
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        bytes, to: layout.policies, permissions: RepositoryLayout.filePermissions)
    }
  }
}
