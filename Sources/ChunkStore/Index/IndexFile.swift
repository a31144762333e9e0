import ChunkFormat
import FileIO
import Synchronization
import SystemPackage

/// The data file of an index, open for reading. Nothing of it is mapped and LMDB has no part in it, so
/// whatever the file holds, and however full the file system is, reading ends with an answer or an
/// error.
///
/// Readers take no lock. LMDB writes new pages beside those of the last two states, so what was read
/// holds where no more than one transaction came since; else it is read again.
final class IndexFile: Sendable {
  /// Meets of readers with writers; then the reader keeps writers out.
  private static let attempts = 16

  let path: FilePath
  let identity: FileIdentity
  private let file: any OpenFile
  /// The state that was read last.
  private let last = Mutex<State?>(nil)
  #if DEBUG
    /// Look-ups of records so far, for the test that counts them on the way of a chunk.
    let lookUps = Atomic(0)
  #endif

  init(_ file: any OpenFile, identity: FileIdentity) {
    (self.file, self.identity, path) = (file, identity, file.path)
  }

  /// The index after one transaction.
  struct State {
    fileprivate let metas: Metas
    let snapshot: IndexSnapshot
    fileprivate let tables: [TreeRoot]
    /// Packs that were looked up.
    let packs = PackMemory()

    func root(_ table: IndexTable) -> TreeRoot { tables[Int(table.rawValue) - 1] }
  }

  /// Counts a look-up in debug builds; does nothing in others.
  func countLookUp() {
    #if DEBUG
      lookUps.add(1, ordering: .relaxed)
    #endif
  }

  // MARK: - States

  /// Runs `body`, which may run again, on the newest state.
  ///
  /// - Parameter lock: keeps others from writing until what it returns is closed.
  func read<Result>(
    locking lock: () throws(FileError) -> (any OpenFile)?,
    _ body: (State) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    if let known = last.withLock({ $0 }), let result = try attempt(known, mayBeOld: false, body) {
      return result
    }
    for _ in 1...Self.attempts {
      let metas = try metas()
      do throws(LMDBError) {
        if let result = try attempt(state(metas), mayBeOld: true, body) { return result }
      } catch {
        // Damage that is none where somebody was just writing.
        guard error.isDamage, try self.metas() != metas else { throw error }
      }
    }
    let held: (any OpenFile)?
    do throws(FileError) { held = try lock() } catch { throw LMDBError(reading: error) }
    defer {
      try? held?.unlock()
      held?.close()
    }
    return try body(try newest())
  }

  /// Nil where the file changed under the reader, or `state` was not the newest when it began.
  private func attempt<Result>(
    _ state: State, mayBeOld: Bool, _ body: (State) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result? {
    do throws(LMDBError) {
      let result = try body(state)
      let now = try metas()
      if now == state.metas { return result }
      guard mayBeOld, try now.newest.transaction <= state.snapshot.transaction + 1 else {
        return nil
      }
      return result
    } catch {
      guard error.isDamage, try metas() != state.metas else { throw error }
      return nil
    }
  }

  /// The newest state, for whoever knows that nobody writes.
  func newest() throws(LMDBError) -> State {
    let metas = try metas()
    if let known = last.withLock({ $0 }), known.metas == metas { return known }
    return try state(metas)
  }

  private func state(_ metas: Metas) throws(LMDBError) -> State {
    let snapshot = try metas.newest
    let size: UInt64
    do throws(FileError) { size = try file.sizeBytes() } catch { throw LMDBError(reading: error) }
    guard snapshot == .none || size / UInt64(IndexSnapshot.pageBytes) > snapshot.lastPage else {
      throw .damage("the file is shorter than its header says")
    }
    let state = State(metas: metas, snapshot: snapshot, tables: try tables(snapshot))
    last.withLock { $0 = state }
    return state
  }

  private func tables(_ snapshot: IndexSnapshot) throws(LMDBError) -> [TreeRoot] {
    var tables = IndexTable.allCases.map { _ in TreeRoot.empty }
    guard snapshot.main.depth > 0 else { return tables }
    var found = 0
    try IndexTree(snapshot.main, snapshot, self).forEachTable { name, root throws(LMDBError) in
      guard
        let table = IndexTable.allCases.first(where: { name.elementsEqual($0.name.bytes) }),
        root.flags == table.flags
      else { throw .damage("the index has an unknown table") }
      tables[Int(table.rawValue) - 1] = root
      found += 1
    }
    guard found == IndexTable.allCases.count else { throw .damage("the index lacks a table") }
    return tables
  }

  // MARK: - Bytes

  /// The first bytes of the file's first two pages; none of a file that is new.
  fileprivate struct Metas: Equatable {
    let first: [UInt8]
    let second: [UInt8]

    /// - Throws: ``LMDBError`` where they describe no state.
    var newest: IndexSnapshot {
      get throws(LMDBError) {
        guard !first.isEmpty else { return .none }
        return try .newest(of: Self.snapshot(first, page: 0), Self.snapshot(second, page: 1))
      }
    }

    private static func snapshot(_ meta: [UInt8], page: Int) throws(LMDBError) -> IndexSnapshot {
      let outcome = meta.withUnsafeBytes { meta in
        Result { () throws(LMDBError) in try IndexSnapshot(meta: meta, page: page) }
      }
      return try outcome.get()
    }
  }

  private func metas() throws(LMDBError) -> Metas {
    // One call for both, since every look-up begins and ends with them.
    let (start, length) = (IndexSnapshot.pageBytes, IndexSnapshot.metaBytes)
    return try withUnsafeTemporaryAllocation(byteCount: start + length, alignment: 8) {
      pages throws(LMDBError) in
      let count: Int
      do throws(FileError) {
        count = try file.read(into: pages, at: 0)
      } catch {
        throw LMDBError(reading: error)
      }
      return Metas(
        first: Array(pages[..<min(count, length)]), second: Array(pages[min(count, start)..<count]))
    }
  }

  func readPage(
    _ number: UInt64, into memory: UnsafeMutableRawBufferPointer
  ) throws(LMDBError) {
    try readBytes(at: number * UInt64(IndexSnapshot.pageBytes), into: memory)
  }

  func readBytes(
    at offset: UInt64, into memory: UnsafeMutableRawBufferPointer
  ) throws(LMDBError) {
    do throws(FileError) {
      guard try file.read(into: memory, at: offset) == memory.count else {
        throw FileError(operation: "read", path: path, errno: .ioError)
      }
    } catch {
      throw LMDBError(reading: error)
    }
  }
}

/// Packs by their numbers in one state of the index.
final class PackMemory: Sendable {
  /// Some 150 bytes each.
  private static let capacity = 1 << 16
  private let packs = Mutex<[UInt32: IndexedPack?]>([:])

  /// What is known of the pack: nil where nothing is.
  subscript(number: UInt32) -> IndexedPack?? { packs.withLock { $0[number] } }

  func keep(_ pack: IndexedPack?, as number: UInt32) {
    packs.withLock { packs in
      if packs.count >= Self.capacity { packs.removeAll() }
      packs.updateValue(pack, forKey: number)
    }
  }
}

extension StaticString {
  var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}

extension IndexTree {
  /// Calls `body` with name and root of every tree that a node of this one is.
  func forEachTable(
    _ body: (UnsafeRawBufferPointer, TreeRoot) throws(LMDBError) -> Void
  ) throws(LMDBError) {
    var audit = TreeAudit(self)
    try audit.run { node throws(LMDBError) in
      guard node.flags == IndexPage.Node.isTree else { throw .damage("an entry is not a table") }
      try body(node.key, TreeRoot(node.value))
      return true
    }
  }
}
