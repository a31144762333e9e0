package import ChunkFormat
import Synchronization
import Workers

/// Stores records for one writing session: gathers them into packs, and lists a pack in the index once
/// it is durable. Any thread may append.
///
/// ```
/// append ──▶ open assembly, up to 32 MiB ──▶ thread that seals, hashes and writes ──▶ index
///            one a kind of pack              one pack at a time
/// ```
///
/// One assembly a kind is filled while one is written, which bounds the memory.
package final class RecordWriter: Sendable {
  private let assembler: Assembler
  private let store: RecordStore
  /// What is stored again although the index lists it.
  private let absent: AbsentContent
  private let sealing: Sealing
  private let targetBytes: Int
  private let thread: WorkerThread

  /// - Parameters:
  ///   - absent: what is stored again although the index lists it.
  ///   - targetBytes: a pack is closed when its records reach this.
  init(
    store: RecordStore, files: PackWriter, absent: AbsentContent, targetBytes: Int
  ) throws {
    let assembler = Assembler(
      store: store, files: files, absent: absent, targetBytes: targetBytes)
    self.assembler = assembler
    self.store = store
    self.absent = absent
    self.targetBytes = targetBytes
    sealing = files.keys == nil ? .none : .dataKey
    thread = try WorkerThread(name: "pack-writer") { assembler.run() }
  }

  deinit { stop() }

  /// What was stored so far.
  package var totals: StoreTotals { assembler.state.withLock { $0.totals } }

  /// What the store has of a content.
  ///
  /// - Parameter previous: the record at the same place of the parent revision, where a delta is wanted.
  package func standing(
    of id: ContentID, after previous: ContentID? = nil
  ) throws(StoreError) -> RecordStanding {
    if isPending(id) { return .pending }
    return try store.standing(of: id, after: previous, absent: absent)
  }

  /// Whether the record was appended and is not in the store yet.
  package func isPending(_ id: ContentID) -> Bool {
    assembler.state.withLock { $0.pending.contains(id) }
  }

  /// Stores a record, soon; waits while earlier packs are being written.
  ///
  /// - Parameter isReplacement: whether to store it although the index lists it, since the copy that
  ///   is there is damaged.
  /// - Returns: whether it was new; false where it is already on its way.
  /// - Throws: what the writing of an earlier pack failed with; after ``stop()`` ``StoreError``
  ///   with `.invalidRequest`.
  @discardableResult
  package func append(_ record: PreparedRecord, isReplacement: Bool = false) throws -> Bool {
    let kind = PackKind(holding: record.type)
    let isNew = try assembler.state.withLock(when: { $0.canAppend(kind) }) { state in
      try state.checkFailure()
      guard state.pending.insert(record.id).inserted else { return false }
      if isReplacement { state.replacements.insert(record.id) }
      let empty = PackAssembly(sealing: sealing, targetBytes: targetBytes)
      state.open[kind, default: empty].append(record)
      if state.open[kind]?.isFull == true, state.closing == nil {
        state.close(kind, isLast: false)
      }
      return true
    }
    assembler.state.broadcast()
    return isNew
  }

  /// Makes all that was appended durable: packs of chunks first, then packs of nodes.
  package func flush() throws {
    for kind in [PackKind.data, .map] {
      try assembler.state.withLock(when: \.isIdle) { state in
        try state.checkFailure()
        state.close(kind, isLast: true)
      }
      assembler.state.broadcast()
      try assembler.state.withLock(when: \.isIdle) { state in try state.checkFailure() }
    }
  }

  /// Ends the thread after the pack it is at; what was not flushed is dropped. Harmless twice.
  package func stop() {
    assembler.state.withLock { $0.isEnding = true }
    assembler.state.broadcast()
    thread.join()
  }
}

/// What a writer stored.
package struct StoreTotals: Sendable {
  /// Bytes of packs, headers and footers included.
  package var storedBytes: UInt64 = 0
  package var packs: [StoredPack] = []
  /// Names of ``packs``.
  package var packIDs: Set<PackID> { Set(packs.map(\.indexed.id)) }
  /// Records that another process had stored by the time they were to be written.
  package var droppedRecords = 0
}

/// A pack that a session made.
package struct StoredPack: Sendable {
  let indexed: IndexedPack
}

/// The thread of a ``RecordWriter`` and what it shares with those who append.
private final class Assembler: Sendable {
  struct State {
    var open: [PackKind: PackAssembly] = [:]
    /// Appended and not listed in the index yet.
    var pending: Set<ContentID> = []
    /// Of those, records that are stored in any case.
    var replacements: Set<ContentID> = []
    /// Handed to the thread, which is busy while this is set.
    var closing: (kind: PackKind, assembly: PackAssembly, isLast: Bool)?
    var isEnding = false
    var failure: (any Error)?
    var totals = StoreTotals()

    /// Nothing more will be written.
    var isOver: Bool { failure != nil || isEnding }
    var isIdle: Bool { closing == nil || isOver }

    func canAppend(_ kind: PackKind) -> Bool {
      closing == nil || open[kind]?.isFull != true || isOver
    }

    func checkFailure() throws {
      if let failure { throw failure }
      if isEnding {
        throw StoreError(.invalidRequest, "the session has ended; it stores nothing more")
      }
    }

    mutating func close(_ kind: PackKind, isLast: Bool) {
      guard let assembly = open.removeValue(forKey: kind), !assembly.isEmpty else { return }
      closing = (kind, assembly, isLast)
    }
  }

  let state = Monitor(State())
  private let store: RecordStore
  private let files: PackWriter
  private let absent: AbsentContent
  private let targetBytes: Int

  init(store: RecordStore, files: PackWriter, absent: AbsentContent, targetBytes: Int) {
    self.store = store
    self.files = files
    self.absent = absent
    self.targetBytes = targetBytes
  }

  /// Writes one assembly after another until told to end, or until one cannot be written.
  func run() {
    while let (kind, assembly, isLast) = nextAssembly() {
      do {
        let outcome = try write(assembly, kind: kind, isLast: isLast)
        finish(outcome, kind: kind)
      } catch {
        state.withLock { $0.failure = error }
        state.broadcast()
        return
      }
    }
  }

  private func nextAssembly() -> (kind: PackKind, assembly: PackAssembly, isLast: Bool)? {
    state.withLock(when: { $0.isEnding || $0.closing != nil }) { state in
      state.isEnding ? nil : state.closing
    }
  }

  private struct Outcome {
    var summary: PackSummary?
    var remaining: PackAssembly
    var settled: [ContentID] = []
    var dropped = 0
  }

  /// Writes what no other process has stored in the meantime. Whoever writes a pack is alone with the
  /// index, so two backups of the same content store it once.
  private func write(
    _ assembly: PackAssembly, kind: PackKind, isLast: Bool
  ) throws(StoreError) -> Outcome {
    let replacements = state.withLock { $0.replacements }
    return try store.write { index throws(StoreError) in
      var rest = assembly
      let dropped = try rest.drop { id throws(StoreError) in
        if replacements.contains(id) { return false }
        return try store.contains(id, absent: absent) { id throws(StoreError) in
          try index.copies(of: id)
        }
      }
      var outcome = Outcome(remaining: rest, settled: dropped, dropped: dropped.count)
      // What is left of an assembly waits for more, rather than make a small pack.
      let isWorthwhile = isLast || rest.packedBytes >= targetBytes / 2
      guard !rest.isEmpty, isWorthwhile else { return outcome }
      let summary = try files.write(rest, kind: kind)
      try index.add(IndexedPack(summary, kind: kind), entries: summary.entries)
      outcome.summary = summary
      outcome.settled += rest.records.map(\.id)
      outcome.remaining = rest.emptied
      return outcome
    }
  }

  private func finish(_ outcome: Outcome, kind: PackKind) {
    state.withLock { state in
      state.pending.subtract(outcome.settled)
      state.replacements.subtract(outcome.settled)
      state.totals.droppedRecords += outcome.dropped
      if let summary = outcome.summary {
        state.totals.storedBytes += summary.lengthBytes
        state.totals.packs.append(StoredPack(indexed: IndexedPack(summary, kind: kind)))
      }
      state.closing = nil
      state.open[kind, default: outcome.remaining.emptied].prepend(outcome.remaining)
      if state.open[kind]?.isFull == true {
        state.close(kind, isLast: false)
      }
    }
    state.broadcast()
  }
}

extension PackAssembly {
  /// An assembly of the same kind without records.
  fileprivate var emptied: PackAssembly {
    PackAssembly(sealing: sealing, targetBytes: targetBytes)
  }
}

extension IndexedPack {
  init(_ summary: PackSummary, kind: PackKind) {
    self.init(
      id: summary.id, kind: kind, lengthBytes: summary.lengthBytes,
      header: summary.header.encoded())
  }
}
