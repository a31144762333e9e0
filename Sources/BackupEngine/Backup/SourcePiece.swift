import Synchronization

/// A piece of a volume on its way through the pipeline: some whole chunks, but for the volume's end.
final class SourcePiece: @unchecked Sendable {
  // Passed from stage to stage; each stage is alone with it.
  let memory: UnsafeMutableRawBufferPointer
  var offsetBytes: UInt64 = 0
  var lengthBytes = 0
  private let pool: SourcePiecePool

  init(memory: UnsafeMutableRawBufferPointer, pool: SourcePiecePool) {
    self.memory = memory
    self.pool = pool
  }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<lengthBytes]) }

  /// Lets the memory be used again.
  func recycle() { pool.put(self) }
}

/// Memory for pieces, allocated once and used again and again.
final class SourcePiecePool: Sendable {
  private let pieceBytes: Int
  private let idle = Mutex<[SourcePiece]>([])

  init(pieceBytes: Int) { self.pieceBytes = pieceBytes }

  func take() -> SourcePiece {
    idle.withLock { $0.popLast() }
      ?? SourcePiece(
        memory: .allocate(byteCount: pieceBytes, alignment: 4096), pool: self)
  }

  fileprivate func put(_ piece: SourcePiece) { idle.withLock { $0.append(piece) } }
}
