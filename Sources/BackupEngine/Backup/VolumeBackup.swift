import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeSources
import Workers

/// Backs up one volume. This file shows all stages of a backup in order. ``Backup/run()`` creates
/// the revision from the volumes.
///
/// ```
/// source ──▶ hash ──▶ look up ──▶ compress ──▶ pack ──▶ map ──▶ (revision)
/// one thread └──────── one worker a core ────┘ └─ one thread, in volume order
/// ```
///
/// | stage | where |
/// |---|---|
/// | source | ``SourceReader``: pieces of 1 MiB; parts that the source knows to be unchanged skip to the map |
/// | hash, look up, compress | ``RecordKeeper/keep(_:type:previous:)``, for each chunk that is not all zeros |
/// | pack | ``ChunkStore/RecordWriter/store(_:)``: packs of 32 MiB, sealed and written by a thread of their own |
/// | map | ``VolumeMap/MapBuilder``: its new nodes are kept and packed like chunks |
struct VolumeBackup {
  /// Pieces are the smallest run of whole chunks with at least this length.
  private static let leastPieceBytes = 1 << 20
  /// The most bytes of pieces in flight.
  private static let windowBytes = 24 << 20

  let repository: Repository
  let writer: RecordWriter
  let volume: BackupRequest.Volume
  /// The same volume of the parent revision.
  let parent: ParentVolume?
  /// Whether to trust the source about content that is unchanged since the parent.
  let takesUnchanged: Bool
  let nodes: NodeCache
  let usesDeltas: Bool
  /// How to prove that the store has content.
  let proof: RecordKeeper.Proof
  let context: WorkContext

  /// The result for one piece. Omitted chunks are holes.
  struct PieceOutcome: Sendable {
    let chunks: [(number: ChunkNumber, lengthBytes: Int, kept: KeptRecord)]
    let readBytes: Int
  }

  /// The result for a part of the source.
  enum Outcome: Sendable {
    case piece(PieceOutcome)
    /// Chunks that are unchanged since the parent.
    case unchanged(Range<ChunkNumber>)
  }

  /// Runs all stages to the end of the source.
  ///
  /// - Returns: the volume for the revision. Also warnings, if the parent's map could not be read
  ///   or if the reported holes are doubtful.
  func run() throws -> (volume: RevisionVolume, warnings: [String]) {
    let recorder = NodeRecorder(writer: writer, keeper: try makeKeeper(), sealing: sealing)
    var builder = try MapBuilder(
      chunkSizeBytes: chunkSizeBytes, writer: recorder, parent: parent?.map, reading: nodes)
    var statistics = VolumeStatistics()
    var inherited = parent.map { InheritedContent($0, reading: nodes) }
    let size = SharedValue<UInt64>(0)
    let pieces = ObjectPool<SourcePiece>()
    let meter = context.begin(.reading, total: volume.source.sizeBytes)
    try OrderedPipeline.run(
      workers: processorCount(), window: max(4, Self.windowBytes / pieceBytes), name: "backup",
      cancellation: context.cancellation,
      makeWorker: { try makeWorker() },
      produce: { sink in
        size.value = try makeReader(pieces).run(sink: sink, progress: meter.advance(to:))
      },
      transform: { worker, stretch in
        switch stretch {
        case .unchanged(let chunks): return Outcome.unchanged(chunks)
        case .piece(let piece):
          defer { pieces.putBack(piece) }
          return Outcome.piece(try worker.process(piece))
        }
      },
      consume: { outcome in
        switch outcome {
        case .piece(let piece): try record(piece, in: &builder, &statistics, meter)
        case .unchanged(let chunks):
          try builder.appendUnchanged(chunks)
          inherited?.takeOver(chunks)
        }
      })
    inherited?.add(to: &statistics)
    let root = try builder.finish(sizeBytes: size.value)
    statistics.storedBytes += recorder.storedBytes
    let warning = builder.parentFailure.map {
      "the map of the previous revision is damaged; the new revision is complete, but takes more space: \($0)"
    }
    return (
      RevisionVolume(
        name: volume.name, sizeBytes: size.value, root: root.id, source: volume.source.name,
        statistics: statistics),
      [warning, volume.source.holeWarning()].compactMap(\.self)
    )
  }

  private var chunkSizeBytes: Int { repository.configuration.chunkSizeBytes }
  private var pieceBytes: Int { max(chunkSizeBytes, Self.leastPieceBytes) }

  private func makeReader(_ pieces: ObjectPool<SourcePiece>) -> SourceReader {
    let isAsLong = parent?.map.geometry.sizeBytes == volume.source.sizeBytes
    return SourceReader(
      source: volume.source, takesUnchanged: takesUnchanged && isAsLong,
      chunkSizeBytes: chunkSizeBytes, pieceBytes: pieceBytes, pieces: pieces)
  }

  private var sealing: Sealing { repository.keys == nil ? .none : .dataKey }

  private func makeKeeper() throws -> RecordKeeper {
    try RecordKeeper(
      repository: repository, writer: writer, usesDeltas: usesDeltas, proof: proof)
  }

  private func makeWorker() throws -> ChunkWorker {
    ChunkWorker(
      chunkSizeBytes: chunkSizeBytes, keeper: try makeKeeper(),
      parent: usesDeltas ? parent.map { MapCursor($0.map, reading: nodes) } : nil)
  }

  private func record(
    _ piece: PieceOutcome, in builder: inout MapBuilder, _ statistics: inout VolumeStatistics,
    _ meter: WorkMeter
  ) throws {
    statistics.readBytes += UInt64(piece.readBytes)
    for (number, lengthBytes, kept) in piece.chunks {
      statistics.dataBytes += UInt64(lengthBytes)
      if let record = try writer.store(kept) {
        statistics.newChunks += 1
        statistics.deltaChunks += record.base == nil ? 0 : 1
        statistics.newBytes += UInt64(lengthBytes)
        statistics.storedBytes += UInt64(record.packedBytes(sealing: sealing))
        meter.addNew(UInt64(lengthBytes))
      } else {
        statistics.knownChunks += 1
      }
      try builder.append(kept.id, at: number)
    }
  }
}

/// Processes pieces. One worker serves one thread.
struct ChunkWorker {
  let chunkSizeBytes: Int
  let keeper: RecordKeeper
  /// Finds the content at the same offset in the parent revision.
  var parent: MapCursor?

  mutating func process(_ piece: SourcePiece) throws -> VolumeBackup.PieceOutcome {
    var chunks: [(number: ChunkNumber, lengthBytes: Int, kept: KeptRecord)] = []
    chunks.reserveCapacity(piece.lengthBytes / chunkSizeBytes + 1)
    for start in stride(from: 0, to: piece.lengthBytes, by: chunkSizeBytes) {
      let end = min(start + chunkSizeBytes, piece.lengthBytes)
      let bytes = UnsafeRawBufferPointer(rebasing: piece.bytes[start..<end])
      guard !bytes.isAllZeros else { continue }
      let number = ChunkNumber((piece.offsetBytes + UInt64(start)) / UInt64(chunkSizeBytes))
      let kept = try keeper.keep(bytes, type: .chunk, previous: previous(at: number))
      chunks.append((number, bytes.count, kept))
    }
    return VolumeBackup.PieceOutcome(chunks: chunks, readBytes: piece.lengthBytes)
  }

  /// Returns the chunk's content in the parent revision. Nil for a hole, or if the map cannot be
  /// read; the map builder reports that.
  private mutating func previous(at number: ChunkNumber) -> ContentID? {
    guard let map = parent?.map, number < map.geometry.endChunk,
      let span = try? parent?.span(containing: number)
    else { return nil }
    let id = span[number]
    return id.isHole ? nil : id
  }
}

// MARK: - The stages of a content

extension RecordKeeper {
  /// The stages of all content before it is packed: chunks, map nodes and documents.
  ///
  /// - Parameter previous: the record at the same offset in the parent revision.
  func keep(
    _ plaintext: UnsafeRawBufferPointer, type: RecordType, previous: ContentID?
  ) throws -> KeptRecord {
    let id = try hash(plaintext, type: type)
    guard
      let need = try lookUp(id, type: type, plainBytes: plaintext.count, after: previous)
    else { return .known(id) }
    let record = try compress(plaintext, id: id, type: type, base: need.base)
    return .new(record, isReplacement: need.isReplacement)
  }
}

extension RecordWriter {
  /// Adds a new record to the current pack. A full pack is sealed and written.
  ///
  /// - Returns: the record; nil if the store has its content, or if another thread has stored it
  ///   first.
  @discardableResult
  func store(_ kept: KeptRecord) throws -> PreparedRecord? {
    guard case .new(let record, let isReplacement) = kept,
      try append(record, isReplacement: isReplacement)
    else { return nil }
    return record
  }
}
