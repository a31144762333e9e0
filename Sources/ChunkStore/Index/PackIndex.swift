package import ChunkFormat
import FileIO
import Glibc
import Synchronization
package import SystemPackage

/// Which record is where: id → pack, offset, lengths, base. A cache in LMDB's format, shared by all
/// processes of one user of a machine that use the repository.
///
/// Nothing is decided by an entry's absence but that a chunk is stored again. An entry whose pack is
/// not listed counts as absent, so a pack is taken out in one step. Reading is ``IndexFile``'s,
/// changing ``IndexTransaction``'s.
package final class PackIndex: Sendable {
  private struct State {
    var directory: IndexDirectory
    var file: IndexFile
    /// Where the index may lie besides, should there be no room.
    var otherPlaces: [IndexPlace]
    /// Whether `file` was found damaged.
    var isDamaged = false
    /// Counts the files that were replaced.
    var generation = 0

    mutating func replace(with fresh: IndexFile, in directory: IndexDirectory? = nil) {
      if let directory { self.directory = directory }
      (file, isDamaged) = (fresh, false)
      generation += 1
    }
  }

  /// A delta's base is no delta by rule; see ``RecordReader``.
  package static let maximumDeltas = 8

  private let state: Mutex<State>
  /// Whether only this object knows the file: a new index that is not in place yet.
  private let isUnplaced: Bool

  /// Opens the index in the first of `places` where it can be opened; where it came there as a copy, an
  /// empty one takes its place.
  init(places: [IndexPlace]) throws(StoreError) {
    isUnplaced = false
    let (directory, file, others) = try Self.open(places)
    state = Mutex(State(directory: directory, file: file, otherPlaces: others))
  }

  private init(unplaced file: IndexFile, in directory: IndexDirectory) {
    isUnplaced = true
    state = Mutex(State(directory: directory, file: file, otherPlaces: []))
  }

  private static func open(
    _ places: [IndexPlace]
  ) throws(StoreError) -> (IndexDirectory, IndexFile, others: [IndexPlace]) {
    var failure: StoreError?
    for (number, place) in places.enumerated() {
      do throws(StoreError) {
        let directory = IndexDirectory(path: try place.path())
        let file = try reportingFileErrors(in: directory) { () throws(FileError) in
          try directory.open()
        }
        return (directory, file, Array(places[(number + 1)...]))
      } catch {
        failure = failure ?? error
      }
    }
    throw failure ?? StoreError(.index, "there is no directory for the index")
  }

  private var directory: IndexDirectory { state.withLock { $0.directory } }

  /// Keeps others from entering many packs at once, who wait meanwhile.
  ///
  /// - Returns: the lock, which goes when it is closed.
  func lockForLoading() throws(StoreError) -> any OpenFile {
    let directory = directory
    return try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      try directory.lockForLoading()
    }
  }

  /// Where the index lies, on storage of this machine.
  var path: FilePath { directory.path }

  /// Changes whenever another index takes this one's place.
  var generation: Int { state.withLock { $0.generation } }

  // MARK: - Changing places

  /// Empties the index by putting a new one in its place.
  func reset() throws(StoreError) {
    let directory = directory
    try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      try directory.wipe(only: nil)
      let fresh = try directory.open()
      state.withLock { $0.replace(with: fresh) }
    }
  }

  /// Whether the index was found damaged, and another process has not replaced it since, whose index
  /// is used then.
  func isDamaged() throws(StoreError) -> Bool {
    let directory = directory
    let (file, isDamaged) = state.withLock { ($0.file, $0.isDamaged) }
    guard isDamaged else { return false }
    return try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      if try directory.identity() == file.identity { return true }
      let other = try directory.open()
      state.withLock { $0.replace(with: other) }
      return false
    }
  }

  /// Goes on with an index elsewhere, where this one cannot be written to.
  ///
  /// - Returns: whether there was another place.
  func moveOn() throws(StoreError) -> Bool {
    let places = state.withLock { $0.otherPlaces }
    guard !places.isEmpty else { return false }
    let (directory, file, others) = try Self.open(places)
    state.withLock {
      $0.replace(with: file, in: directory)
      $0.otherPlaces = others
    }
    return true
  }

  /// A new index, empty, that takes the place of this one with ``place(_:)``. The old one is not
  /// opened for that, and serves others meanwhile.
  ///
  /// - Parameter lock: of ``lockForLoading()``.
  func makeUnplaced(_ lock: any OpenFile) throws(StoreError) -> PackIndex {
    let directory = directory
    let file = try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      try directory.makeUnplaced(lock)
    }
    return PackIndex(unplaced: file, in: directory)
  }

  /// Puts `fresh` in the place of this index, without packs that are not among `present`. A pack that is
  /// deleted meanwhile may be listed, as between any deletion and the index's change; the caller compares
  /// index and packs once more.
  func place(_ fresh: PackIndex, present: Set<PackID>) throws(StoreError) {
    let directory = directory
    let lock = try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      try directory.lockForWriting()
    }
    defer { lock.release() }
    let gone = try fresh.packs().subtracting(present)
    if !gone.isEmpty {
      try fresh.write { index throws(StoreError) in
        for id in gone { try index.remove(id) }
      }
    }
    let file = fresh.state.withLock { $0.file }
    try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      // Whoever died while LMDB was at work did so in the old one.
      do throws(LMDBError) { try lock.mark(false) } catch {}
      try directory.place(file)
      let placed = try directory.open()
      state.withLock { $0.replace(with: placed) }
    }
  }

  /// Removes a new index that does not come to its place.
  func discard() {
    guard isUnplaced else { return }
    let (directory, file) = state.withLock { ($0.directory, $0.file) }
    directory.discard(file)
  }

  // MARK: - Looking up

  /// Every copy of each record, in the order of `ids`; copies that are no deltas come first.
  func copies(
    of ids: some Sequence<ContentID>
  ) throws(StoreError) -> [[(pack: IndexedPack, entry: PackEntry)]] {
    try reading { view throws(LMDBError) in
      var result: [[(pack: IndexedPack, entry: PackEntry)]] = []
      for id in ids {
        view.countLookUp()
        result.append(try view.copies(of: id))
      }
      return result
    }
  }

  /// Copies of a content that is about to be stored, and of what it may be a delta of.
  func lookUp(_ id: ContentID, after previous: ContentID?) throws(StoreError) -> IndexAnswer {
    try reading { view throws(LMDBError) in
      view.countLookUp()
      return try IndexAnswer(id, after: previous, lookingUp: view.copies)
    }
  }

  #if DEBUG
    /// Look-ups of records in this file so far.
    var lookUps: Int { state.withLock { $0.file.lookUps.load(ordering: .relaxed) } }
  #endif

  /// Every copy of one record, those of packs that are not listed included.
  package func records(of id: ContentID) throws(StoreError) -> [IndexedRecord] {
    try reading { view throws(LMDBError) in try view.records(of: id) }
  }

  /// Whether a pack that is listed holds the record, and its base where it is a delta; copies in
  /// `absent` do not count.
  package func contains(_ id: ContentID, absent: AbsentContent) throws(StoreError) -> Bool {
    try reading { view throws(LMDBError) in try view.contains(id, absent: absent) }
  }

  /// Names of all packs.
  func packs() throws(StoreError) -> Set<PackID> {
    try useFileInPlace(directory)
    return try reading { view throws(LMDBError) in try view.packs() }
  }

  /// What is listed of a pack; nil where it is not.
  func pack(_ id: PackID) throws(StoreError) -> IndexedPack? {
    try reading { view throws(LMDBError) in
      try view.number(of: id).flatMap { number throws(LMDBError) in try view.pack(number) }
    }
  }

  /// Number of copies of records.
  func recordCount() throws(StoreError) -> Int {
    try useFileInPlace(directory)
    return try reading { view throws(LMDBError) in view.recordCount }
  }

  /// Runs `body` on the whole index as it is, while nobody changes it: `body` must not either.
  package func read<Result>(
    _ body: (Reading) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let directory = directory
    let lock = try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      try directory.lockForReading()
    }
    defer {
      try? lock?.unlock()
      lock?.close()
    }
    try useFileInPlace(directory)
    return try using { file throws(StoreError) in
      let state = try Self.reportingIndexErrors(in: directory) { () throws(LMDBError) in
        try file.newest()
      }
      return try body(Reading(view: IndexView(file, state), directory: directory))
    }
  }

  // MARK: - Changing

  /// Runs `body` while no other process and no other thread can change the index.
  func write<Result>(
    _ body: (Writing) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let directory = directory
    let lock = try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      isUnplaced ? WriteLock(file: nil) : try directory.lockForWriting()
    }
    defer { lock.release() }
    try useFileInPlace(directory)
    return try using { file throws(StoreError) in
      let transaction = try Self.reportingIndexErrors(in: directory) { () throws(LMDBError) in
        try IndexTransaction(file, lock)
      }
      let result: Result
      do throws(StoreError) {
        result = try body(Writing(transaction, file, directory))
      } catch {
        transaction.abort()
        throw error
      }
      try Self.reportingIndexErrors(in: directory) { () throws(LMDBError) in
        try transaction.commit()
      }
      return result
    }
  }

  /// Another process may have put another index in place.
  private func useFileInPlace(_ directory: IndexDirectory) throws(StoreError) {
    guard !isUnplaced else { return }
    try Self.reportingFileErrors(in: directory) { () throws(FileError) in
      guard try directory.identity() != state.withLock({ $0.file.identity }) else { return }
      let other = try directory.open()
      state.withLock { $0.replace(with: other) }
    }
  }

  // MARK: - Errors

  private static func storeError(_ error: LMDBError, in path: FilePath) -> StoreError {
    switch error.code {
    case ENOSPC:
      StoreError(.noSpace, "no space for the index in \(path): the file system is full")
    case EDQUOT:
      StoreError(.noSpace, "no space for the index in \(path): the user's quota is used up")
    // What LMDB says of a write that was cut short.
    case EIO:
      StoreError(
        .index, "the index in \(path) cannot be written: the file system is full or broken")
    case EROFS:
      StoreError(.readOnly, "the index in \(path) cannot be written: the file system is read-only")
    case _ where error.isDamage:
      StoreError(.damagedIndex, "the index in \(path) is damaged (\(error))", cause: error)
    default: StoreError(.index, "the index in \(path) cannot be used (\(error))", cause: error)
    }
  }

  static func reportingIndexErrors<Result>(
    in directory: IndexDirectory, _ body: () throws(LMDBError) -> Result
  ) throws(StoreError) -> Result {
    do throws(LMDBError) {
      return try body()
    } catch {
      throw storeError(error, in: directory.path)
    }
  }

  private static func reportingFileErrors<Result>(
    in directory: IndexDirectory, _ body: () throws(FileError) -> Result
  ) throws(StoreError) -> Result {
    do throws(FileError) {
      return try body()
    } catch {
      let known = StoreError(error)
      guard known.code == .fileSystem else { throw known }
      throw StoreError(
        .index, "the index in \(directory.path) cannot be used: \(error)", cause: error)
    }
  }

  private func reading<Result>(
    _ body: (IndexView) throws(LMDBError) -> Result
  ) throws(StoreError) -> Result {
    let directory = directory
    return try using { file throws(StoreError) in
      try Self.reportingIndexErrors(in: directory) { () throws(LMDBError) in
        try file.read(
          locking: { () throws(FileError) in try directory.lockForReading() },
          { state throws(LMDBError) in try body(IndexView(file, state)) })
      }
    }
  }

  /// Runs `body` with the file; takes note where it is damaged.
  private func using<Result>(
    _ body: (IndexFile) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let file = state.withLock { $0.file }
    do throws(StoreError) {
      return try body(file)
    } catch {
      if error.code == .damagedIndex {
        state.withLock { $0.isDamaged = $0.isDamaged || $0.file === file }
      }
      throw error
    }
  }
}

/// What is said of an index.
package struct IndexSummary: Sendable {
  package let directory: FilePath
  package let packs: Int
  /// Copies of records.
  package let records: Int
}
