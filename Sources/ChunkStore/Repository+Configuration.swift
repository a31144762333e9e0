package import ChunkFormat
import ObjectStorage

extension Repository {
  /// Changes how chunks that are stored from now on are compressed. Chunks that are stored already stay
  /// as they are. Whoever has the repository open keeps the old setting until it is opened again.
  ///
  /// The file `config` is replaced in one step: after a crash it holds the old or the new setting.
  ///
  /// - Returns: the configuration that is stored now.
  /// - Throws: ``StoreError``: `.damaged` where the file is no longer readable, and what writing throws.
  @discardableResult
  package func changeCompression(
    to method: CompressionMethod
  ) throws(StoreError) -> RepositoryConfiguration {
    let lock = try keyRing.lock()
    defer { lock.release() }
    let current = try storedConfiguration()
    guard current.compression != method else { return current }
    let changed = current.compressed(by: method)
    let bytes = try reportingFormatErrors(of: storage.place(of: .configuration)) {
      () throws(FormatError) in try changed.encoded(keys: keys)
    }
    try reportingStorageErrors { () throws(StorageError) in
      try storage.put(bytes, as: .configuration)
    }
    return changed
  }

  /// The configuration as it is stored now; another process may have changed it since this one opened
  /// the repository.
  private func storedConfiguration() throws(StoreError) -> RepositoryConfiguration {
    let bytes = try Self.readConfiguration(storage)
    return try reportingFormatErrors(of: storage.place(of: .configuration)) {
      () throws(FormatError) in
      let stored = try RepositoryConfiguration(encoded: bytes)
      if let keys { try RepositoryConfiguration.authenticate(bytes, keys: keys) }
      guard stored.id == configuration.id, stored.isEncrypted == configuration.isEncrypted else {
        throw .corrupt(
          "config", expected: "repository \(configuration.id)",
          found: "another repository, \(stored.id), in its place")
      }
      return stored
    }
  }
}
