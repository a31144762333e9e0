import ChunkFormat
import ChunkStore

/// Reads batches of chunks back. One verifier serves one thread.
struct BatchVerifier {
  private let repository: Repository
  private let checker: ContentChecker
  private let notes = DamageNotes()

  init(repository: Repository) throws {
    self.repository = repository
    checker = try ContentChecker(repository: repository, notes: notes)
  }

  func process(_ work: VerificationWork) throws -> VerificationOutcome {
    var outcome = VerificationOutcome(work: work)
    var failures: [(order: Int, error: StoreError)] = []
    var last = LastContent()
    for order in try inOrderOfPacks(work.chunks) {
      let chunk = work.chunks[order]
      if let error = try check(chunk, &last, &outcome) { failures.append((order, error)) }
      outcome.damagedCopies += notes.take(at: chunk.volume.place(chunk.bytes))
    }
    failures.sort { $0.order < $1.order }
    outcome.failures = failures.map { (work.chunks[$0.order], $0.error) }
    return outcome
  }

  /// The last content read. It is kept because several places may need the same chunk, and each
  /// place is compared with the source.
  private struct LastContent {
    var id: ContentID?
    var plainBytes: Int?
    var bytes: [UInt8] = []
  }

  /// Checks a chunk.
  ///
  /// - Returns: the damage of the chunk; nil if it is intact.
  private func check(
    _ chunk: VerifiedChunk, _ last: inout LastContent, _ outcome: inout VerificationOutcome
  ) throws(StoreError) -> StoreError? {
    do throws(StoreError) {
      try read(chunk, into: &last)
    } catch {
      guard error.isDamage else { throw error }
      return error
    }
    outcome.checked += 1
    outcome.bytes += UInt64(last.bytes.count)
    if isChangedAtSource(chunk, last.bytes) { outcome.changedAtSource += 1 }
    return nil
  }

  private func read(
    _ chunk: VerifiedChunk, into last: inout LastContent
  ) throws(StoreError) {
    let plainBytes = chunk.volume.geometry == nil ? nil : chunk.bytes.count
    if last.id == chunk.id, last.plainBytes == plainBytes { return }
    last.id = nil
    last.bytes = try checker.check(chunk.id, type: .chunk, plainBytes: plainBytes)
    (last.id, last.plainBytes) = (chunk.id, plainBytes)
  }

  private func isChangedAtSource(_ chunk: VerifiedChunk, _ content: [UInt8]) -> Bool {
    chunk.volume.source.map { !$0.holds(content, at: chunk.bytes.lowerBound) } ?? false
  }

  /// Returns the positions in `chunks`, in the order of their records in the packs.
  private func inOrderOfPacks(_ chunks: [VerifiedChunk]) throws -> [Int] {
    let places = try repository.records.locate(chunks.map(\.id)).map { location in
      (pack: location?.pack.id, offset: location?.entry.offsetBytes ?? 0)
    }
    return chunks.indices.sorted { left, right in
      switch (places[left].pack, places[right].pack) {
      case (let one?, let other?) where one != other: one < other
      case (nil, .some): true
      case (.some, nil): false
      default: (places[left].offset, left) < (places[right].offset, right)
      }
    }
  }
}
