import ChunkFormat
import ChunkStore
import VolumeMap

/// Reads batches of chunks back. One verifier serves one thread.
struct BatchVerifier {
  let repository: Repository
  let geometry: MapGeometry
  let source: SourceComparison?
  let checker: ContentChecker
  private let volume: VolumeVerification
  private let notes = DamageNotes()

  init(of volume: VolumeVerification, geometry: MapGeometry) throws {
    self.volume = volume
    self.geometry = geometry
    repository = volume.repository
    source = volume.source
    checker = try ContentChecker(repository: repository, notes: notes)
  }

  func process(_ work: VolumeVerification.Work) throws -> VolumeVerification.Outcome {
    var outcome = VolumeVerification.Outcome()
    switch work {
    case .damage(let error, let copies):
      outcome.mapDamage = error
      outcome.damagedCopies = copies
    case .chunks(let chunks, let passedOver):
      outcome.total = chunks.count + passedOver
      for chunk in try inOrderOfPacks(chunks) {
        try process(chunk, &outcome)
      }
    }
    return outcome
  }

  private func process(
    _ chunk: VolumeVerification.Chunk, _ outcome: inout VolumeVerification.Outcome
  ) throws {
    do throws(StoreError) {
      let content = try checker.check(
        chunk.id, type: .chunk, plainBytes: geometry.plainLengthBytes(ofChunk: chunk.number))
      outcome.checked += 1
      outcome.bytes += content.count
      if let source, !source.holds(content, at: geometry.offsetBytes(ofChunk: chunk.number)) {
        outcome.changedAtSource += 1
      }
    } catch  where error.isDamage {
      outcome.failures.append((chunk, error))
    }
    outcome.damagedCopies += notes.take(
      at: volume.place(geometry.bytes(ofChunk: chunk.number)))
  }

  private func inOrderOfPacks(
    _ chunks: [VolumeVerification.Chunk]
  ) throws -> [VolumeVerification.Chunk] {
    let locations = try repository.records.locate(chunks.map(\.id))
    let places = zip(chunks, locations).map { chunk, location in
      (chunk: chunk, pack: location?.pack.id, offset: location?.entry.offsetBytes ?? 0)
    }
    return places.sorted { left, right in
      switch (left.pack, right.pack) {
      case (let left?, let right?) where left != right: left < right
      case (nil, .some): true
      case (.some, nil): false
      default: left.offset < right.offset
      }
    }.map(\.chunk)
  }
}
