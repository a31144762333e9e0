package import ChunkFormat
package import ObjectStorage
import Remedies
import Synchronization
package import SystemPackage
package import Workers

/// A repository that is open: its records, revisions, keys and sessions. Any thread may use it.
package final class Repository: Sendable {
  package let configuration: RepositoryConfiguration
  /// As it was opened.
  package let root: FilePath
  package let records: RecordStore
  package let keys: RepositoryKeys?
  /// What is to be said to whoever opened the repository.
  package var warnings: [String] { openedKey?.warnings ?? [] }

  /// As it was opened.
  let environment: RepositoryEnvironment
  /// What the repository lies in.
  package let storage: any ObjectStorage
  private let openedKey: KeyRing.Opened?
  private let seenRevisions = Mutex<Set<RevisionID>>([])
  private let revisionMemory = RevisionMemory()

  private init(
    root: FilePath, storage: any ObjectStorage, configuration: RepositoryConfiguration,
    openedKey: KeyRing.Opened?, environment: RepositoryEnvironment
  ) throws(StoreError) {
    self.root = root
    self.configuration = configuration
    self.openedKey = openedKey
    keys = openedKey?.keys
    self.environment = environment
    self.storage = storage
    let packs = PackObjects(
      storage: storage, repository: configuration.id, keys: openedKey?.keys)
    let placement = IndexPlacement(
      repository: configuration.id, root: root, isEncrypted: configuration.isEncrypted)
    records = RecordStore(
      index: try placement.open(preferred: environment.indexDirectory), packObjects: packs)
  }

  // MARK: - Making and opening

  /// Makes a repository in `root`, which does not exist or is an empty directory.
  ///
  /// - Parameter firstKey: encrypts the repository, which this will open.
  package static func create(
    at root: FilePath, settings: RepositorySettings, firstKey: NewKey?,
    environment: RepositoryEnvironment, context: WorkContext
  ) throws(StoreError) -> Repository {
    let storage = environment.storage(root)
    let (configuration, openedKey) = try RepositoryFoundation(storage: storage).create(
      settings: settings, firstKey: firstKey, environment: environment, context: context)
    return try Repository(
      root: root, storage: storage, configuration: configuration, openedKey: openedKey,
      environment: environment)
  }

  /// Opens the repository in `root`.
  ///
  /// - Parameter secret: asked only where the repository is encrypted.
  /// - Throws: ``StoreError``: `.notARepository`, `.wrongKey`, `.unsupported`, `.damaged`; and what
  ///   `secret` throws.
  package static func open(
    at root: FilePath, environment: RepositoryEnvironment, secret: () throws -> UnlockSecret
  ) throws -> Repository {
    let storage = environment.storage(root)
    let bytes = try readConfiguration(storage)
    let configuration = try reportingFormatErrors(of: storage.place(of: .configuration)) {
      () throws(FormatError) in try RepositoryConfiguration(encoded: bytes)
    }
    let ring = KeyRing(storage: storage, repository: configuration.id)
    var opened: KeyRing.Opened?
    if configuration.isEncrypted {
      let unlocked = try ring.open(with: try secret())
      try reportingFormatErrors(of: storage.place(of: .configuration)) { () throws(FormatError) in
        try RepositoryConfiguration.authenticate(bytes, keys: unlocked.keys)
      }
      opened = unlocked
    } else if try !ring.ids().isEmpty {
      // Without this, whoever can write to the disk could turn encryption off for the next backup.
      throw StoreError(
        .damaged,
        "\(storage.place(of: .configuration)): says that the repository is not encrypted, but there are "
          + "keys in \(storage.place(of: .keys))")
    }
    return try Repository(
      root: root, storage: storage, configuration: configuration, openedKey: opened,
      environment: environment)
  }

  /// Opens another repository in which contents have the ids that they have in one with `keys`: both
  /// are not encrypted, or it is a copy.
  ///
  /// - Throws: ``StoreError``: `.wrongKey` where contents have other ids there, and as
  ///   ``open(at:environment:secret:)`` does.
  package static func open(
    at root: FilePath, environment: RepositoryEnvironment, sharing keys: RepositoryKeys?
  ) throws(StoreError) -> Repository {
    let storage = environment.storage(root)
    let bytes = try readConfiguration(storage)
    let configuration = try reportingFormatErrors(of: storage.place(of: .configuration)) {
      () throws(FormatError) in try RepositoryConfiguration(encoded: bytes)
    }
    guard configuration.isEncrypted == (keys != nil) else {
      throw StoreError(
        .wrongKey,
        "cannot use content from \(root): it is \(configuration.isEncrypted ? "" : "not ")encrypted, "
          + "and this repository is\(configuration.isEncrypted ? " not" : "")")
    }
    guard let keys else {
      return try Repository(
        root: root, storage: storage, configuration: configuration, openedKey: nil,
        environment: environment)
    }
    do throws(FormatError) {
      try RepositoryConfiguration.authenticate(bytes, keys: keys)
    } catch {
      throw StoreError(
        .wrongKey,
        "cannot use content from \(root): it is encrypted with other keys, so it is not a copy of "
          + "this repository")
    }
    return try Repository(
      root: root, storage: storage, configuration: configuration,
      openedKey: KeyRing.Opened(keys: keys, slot: nil, label: ""), environment: environment)
  }

  /// Whether both are one directory, whatever it is called.
  package func isSamePlace(as other: Repository) throws(StoreError) -> Bool {
    try reportingStorageErrors { () throws(StorageError) in
      try storage.isSamePlace(as: other.storage)
    }
  }

  // MARK: - Revisions

  /// All revisions, oldest first, and those that cannot be read.
  package func revisions() throws(StoreError) -> RevisionListing {
    let listing = try revisionObjects.list()
    note(listing.entries.map(\.id))
    return listing
  }

  /// One revision by its full name.
  package func revision(_ id: RevisionID) throws(StoreError) -> RevisionEntry {
    let entry = try revisionObjects.entry(id)
    note([id])
    return entry
  }

  /// Whether the revision is there and not forgotten, readable or not.
  package func exists(_ id: RevisionID) throws(StoreError) -> Bool {
    try revisionObjects.exists(id)
  }

  private func note(_ ids: [RevisionID]) {
    let hasNew = seenRevisions.withLock { seen in
      let count = seen.count
      seen.formUnion(ids)
      return seen.count > count
    }
    if hasNew { records.expectNewPacks() }
  }

  /// Makes a revision exist; all that it names must be durable.
  package func commit(_ revision: Revision) throws(StoreError) -> RevisionID {
    try revisionObjects.commit(revision)
  }

  /// Finds out that marks cannot be changed, for whoever reports a change before making it.
  ///
  /// - Throws: ``StoreError``, such as `.readOnly`.
  package func checkThatMarksCanChange() throws(StoreError) {
    try revisionObjects.lockMarks().release()
  }

  /// Changes what is said of a revision; changes by others at the same time are not lost.
  package func updateMarks(
    of id: RevisionID, _ change: (inout RevisionMarks) throws -> Void
  ) throws {
    try revisionObjects.updateMarks(of: id, change)
  }

  /// The same for several revisions at once, which takes less time than one after the other.
  ///
  /// - Returns: those of which nothing could be changed, since they are gone or damaged.
  package func updateMarks(
    of ids: [RevisionID], _ change: (RevisionID, inout RevisionMarks) throws -> Void
  ) throws -> [(id: RevisionID, error: StoreError)] {
    try revisionObjects.updateMarks(of: ids, change)
  }

  // MARK: - Keys

  /// The key slots, oldest first.
  package func keySlots() throws(StoreError) -> [KeySlotListing] {
    try keyRing.list(current: openedKey)
  }

  /// Lets `secret` open the repository too; returns the name of the new slot.
  package func addKey(
    _ new: NewKey, context: WorkContext
  ) throws(StoreError) -> KeyID {
    let keys = try encryptionKeys()
    let lock = try keyRing.lock()
    defer { lock.release() }
    return try keyRing.add(
      keys, secret: new.secret, label: new.label, created: context.now(),
      cost: environment.passphraseCost)
  }

  /// Removes a key slot.
  ///
  /// - Throws: ``StoreError`` with `.invalidRequest` for the only slot.
  package func removeKey(_ id: KeyID) throws(StoreError) { try keyRing.remove(id) }

  /// The keys as text to print.
  package func paperKey() throws(StoreError) -> String {
    PaperKey.encode(try encryptionKeys(), repository: configuration.id)
  }

  /// Adds a key slot to a repository that nobody can open, from its paper key.
  package static func importPaperKey(
    _ text: String, into root: FilePath, new: NewKey, environment: RepositoryEnvironment,
    context: WorkContext
  ) throws(StoreError) -> KeyID {
    try openedPaperKey(text, of: root, environment: environment).add(new, context: context)
  }

  /// What the text of a paper key opens in the repository in `root`: nothing is changed yet.
  ///
  /// - Throws: ``StoreError`` for a text that is mistyped, or of another repository.
  package static func openedPaperKey(
    _ text: String, of root: FilePath, environment: RepositoryEnvironment
  ) throws(StoreError) -> OpenedPaperKey {
    let storage = environment.storage(root)
    let bytes = try readConfiguration(storage)
    let (id, keys) = try reportingFormatErrors(of: "paper key") {
      () throws(FormatError) -> (RepositoryID, RepositoryKeys) in
      let configuration = try RepositoryConfiguration(encoded: bytes)
      let keys = try PaperKey.decode(text, repository: configuration.id)
      try RepositoryConfiguration.authenticate(bytes, keys: keys)
      return (configuration.id, keys)
    }
    return OpenedPaperKey(
      ring: KeyRing(storage: storage, repository: id), keys: keys, environment: environment)
  }

  // MARK: - Sessions and records

  /// Enters the list of those who read `pinned`.
  ///
  /// - Parameter held: of them, those that another session pins, which lives for now: they may have been
  ///   forgotten since.
  /// - Throws: ``StoreError`` with `.notFound` where one of the others was forgotten meanwhile.
  package func beginReading(
    _ purpose: String, pinned: [RevisionID], held: [RevisionID] = [],
    context: WorkContext
  ) throws(StoreError) -> Session {
    try begin(session(.reading, purpose, pinned, context), held: held)
  }

  /// Enters the list of those who store, and brings the index up to date, so that what the index says
  /// is there, but for what is absent, can be relied on while the session lasts.
  ///
  /// - Throws: as ``beginReading(_:pinned:held:context:)`` does.
  package func beginWriting(
    _ purpose: String, pinned: [RevisionID], context: WorkContext,
    progress: (IndexProgress) throws -> Void = { _ in }
  ) throws -> WritingSession {
    try sessions.removeAbandoned()
    let session = try begin(session(.writing, purpose, pinned, context))
    // In this order: whoever condemns a pack looks at the sessions after it has said so. And before
    // the comparison: what is no longer condemned then is gone, and the comparison shows it.
    let absent = try absentContent()
    let changes = try records.synchronize(progress: progress)
    let files = PackWriter(storage: storage, repository: configuration.id, keys: keys)
    return WritingSession(
      session: session, indexChanges: changes, storage: storage,
      writer: try RecordWriter(
        store: records, files: files, absent: absent,
        targetBytes: environment.packTargetBytes))
  }

  /// A revision that is forgotten before a session pins it may be gone; one that is forgotten
  /// afterwards stays readable. So it is looked up again once the pin can be seen.
  private func begin(
    _ record: SessionRecord, held: [RevisionID] = []
  ) throws(StoreError) -> Session {
    let session = try sessions.begin(record)
    for id in record.pinned where !held.contains(id) {
      if try revisionObjects.exists(id) { continue }
      if try reportingStorageErrors({ () throws(StorageError) in try isKept(id) }) { continue }
      session.end()
      throw StoreError(.notFound, "revision \(id) has just been forgotten")
    }
    return session
  }

  private func session(
    _ kind: SessionRecord.Kind, _ purpose: String, _ pinned: [RevisionID], _ context: WorkContext
  ) -> SessionRecord {
    SessionRecord(
      kind: kind, started: context.now(), host: context.host.name, process: context.host.process,
      purpose: purpose, pinned: pinned)
  }

  /// Where the index is, and what it lists.
  package func indexSummary() throws(StoreError) -> IndexSummary { try records.indexSummary() }

  /// Makes a new index of the packs; the old one is not read.
  package func rebuildIndex(
    progress: (IndexProgress) throws -> Void
  ) throws -> IndexChanges {
    try records.rebuild(progress: progress)
  }

  // MARK: - Parts

  var objects: SmallObjects {
    SmallObjects(storage: storage, repository: configuration.id, keys: keys)
  }

  package var revisionObjects: RevisionObjects {
    RevisionObjects(objects: objects, memory: revisionMemory)
  }

  package var condemnationObjects: CondemnationObjects { CondemnationObjects(objects: objects) }

  package var quarantineObjects: QuarantineObjects { QuarantineObjects(objects: objects) }

  var sessions: SessionList { SessionList(objects: objects) }

  package var keyRing: KeyRing { KeyRing(storage: storage, repository: configuration.id) }

  private func encryptionKeys() throws(StoreError) -> RepositoryKeys {
    guard let keys else {
      throw StoreError(
        .invalidRequest,
        "the repository \(root) is not encrypted and has no keys", remedy: .encryptAtCreation)
    }
    return keys
  }

  static func readConfiguration(_ storage: any ObjectStorage) throws(StoreError) -> [UInt8] {
    do throws(StorageError) {
      return try storage.read(
        .configuration, limitBytes: RepositoryConfiguration.maximumFileBytes)
    } catch {
      guard error.code == .notFound || error.code == .notADirectory else {
        throw StoreError(error)
      }
      throw StoreError(
        .notARepository, "\(storage.place) is not a varve repository: it has no file 'config'",
        cause: error, remedy: .createRepository)
    }
  }
}

/// A key that is to be added.
package struct NewKey: Sendable {
  package let secret: UnlockSecret
  /// What its owner calls it; may be empty.
  package let label: String

  package init(secret: UnlockSecret, label: String) {
    self.secret = secret
    self.label = label
  }
}

/// A session that stores.
package struct WritingSession: Sendable {
  package let session: Session
  package let indexChanges: IndexChanges
  let storage: any ObjectStorage
  package let writer: RecordWriter

  /// Lets go of what was not flushed, and takes the session off the list; ending twice is harmless.
  ///
  /// Room is kept for deleting last, so that little room is the session's first.
  package func end() {
    writer.stop()
    session.end()
    storage.fillReserve()
  }
}
