package import ChunkFormat
import ObjectStorage
import Workers

/// Makes the objects of a new repository. The configuration comes last: a place without it is no
/// repository, and can be tried again.
struct RepositoryFoundation: Sendable {
  let storage: any ObjectStorage

  /// Creates a repository in a place that does not exist, is empty, or is what an interrupted attempt
  /// left.
  ///
  /// - Throws: ``StoreError`` with `.alreadyExists` where there is anything else, or another process
  ///   was faster.
  func create(
    settings: RepositorySettings, firstKey: NewKey?, environment: RepositoryEnvironment,
    context: WorkContext
  ) throws(StoreError) -> (configuration: RepositoryConfiguration, openedKey: KeyRing.Opened?) {
    do throws(StorageError) {
      try storage.create()
    } catch {
      throw error.code == .alreadyExists ? alreadyARepository : StoreError(error)
    }
    let lock = try reportingStorageErrors { () throws(StorageError) in try storage.lock(.keys) }
    defer { lock.release() }
    try checkThatNothingIsThere()
    try reportingStorageErrors { () throws(StorageError) in try storage.probe() }
    let configuration = try reportingFormatErrors(of: "new repository") {
      () throws(FormatError) in
      try RepositoryConfiguration(
        id: .random(), chunkSizeBytes: settings.chunkSizeBytes, isEncrypted: firstKey != nil,
        compression: settings.compression, created: context.now())
    }
    let opened = try addFirstKey(firstKey, to: configuration, cost: environment.passphraseCost)
    let bytes = try reportingFormatErrors(of: "new repository") { () throws(FormatError) in
      try configuration.encoded(keys: opened?.keys)
    }
    try reportingStorageErrors { () throws(StorageError) in
      try storage.put(bytes, as: .configuration)
    }
    return (configuration, opened)
  }

  private func addFirstKey(
    _ key: NewKey?, to configuration: RepositoryConfiguration, cost: ScryptCost
  ) throws(StoreError) -> KeyRing.Opened? {
    let ring = KeyRing(storage: storage, repository: configuration.id)
    // What an interrupted attempt left opens nothing, and would look like damage ever after.
    try ring.removeAll()
    guard let key else { return nil }
    let keys = try reportingFormatErrors(of: "new keys") { () throws(FormatError) in
      try RepositoryKeys.generate()
    }
    let slot = try ring.add(
      keys, secret: key.secret, label: key.label, created: configuration.created, cost: cost)
    return KeyRing.Opened(keys: keys, slot: slot, label: key.label)
  }

  /// An attempt that was interrupted stored nothing: where there are packs or revisions, the
  /// configuration of a repository was lost, and its keys must not be.
  private func checkThatNothingIsThere() throws(StoreError) {
    let occupied = try reportingStorageErrors { () throws(StorageError) -> ObjectArea? in
      if try storage.exists(.configuration) { return .settings }
      for area in [ObjectArea.revisions, .dataPacks, .mapPacks] {
        if try !storage.isEmpty(area) { return area }
      }
      return nil
    }
    guard let occupied else { return }
    guard occupied != .settings else { throw alreadyARepository }
    throw StoreError(
      .alreadyExists,
      "\(storage.place) holds a repository whose file 'config' is missing: "
        + "'\(storage.place(of: occupied))' is not empty; restore the file from a copy, or choose "
        + "another directory")
  }

  private var alreadyARepository: StoreError {
    StoreError(.alreadyExists, "\(storage.place) is already a varve repository")
  }
}

/// What is fixed when a repository is made.
package struct RepositorySettings: Sendable {
  package var chunkSizeBytes = RepositoryConfiguration.standardChunkSizeBytes
  package var compression = CompressionMethod.standard

  package init() {}
}
