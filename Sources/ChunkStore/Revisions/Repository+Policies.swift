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
    do throws(FormatError) {
      return try RetentionPolicies(encoded: bytes, repository: configuration.id, keys: keys)
    } catch {
      let error = StoreError(error, in: path.string)
      guard error.code == .damaged else { throw error }
      throw StoreError(
        .damaged, "\(error); 'varve policy set' writes the file anew, without what it held")
    }
  }

  /// Writes down how long revisions are kept; changes by others at the same time are not lost.
  ///
  /// - Parameter replacing: told why what was written down is damaged; nothing takes its place then, and
  ///   is changed. Nil to leave what is damaged alone.
  /// - Throws: ``StoreError``, also `.invalidRequest` for what the file cannot hold; and what `change`
  ///   throws.
  package func updateRetentionPolicies(
    replacing: ((StoreError) -> Void)? = nil, _ change: (inout RetentionPolicies) throws -> Void
  ) throws {
    let lock = try revisionShelf.lockMarks()
    defer { lock.close() }
    var current: RetentionPolicies?
    do throws(StoreError) {
      current = try retentionPolicies()
    } catch {
      guard error.code == .damaged, let replacing else { throw error }
      replacing(error)
    }
    var policies = current ?? RetentionPolicies()
    try change(&policies)
    guard policies != current else { return }
    try write(policies)
  }

  /// For whoever holds the lock on marks.
  func write(_ policies: RetentionPolicies) throws(StoreError) {
    let bytes = try reportingFormatErrors(of: layout.policies.string) { () throws(FormatError) in
      try policies.encoded(repository: configuration.id, keys: keys)
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        bytes, to: layout.policies, permissions: RepositoryLayout.filePermissions)
    }
  }
}
