import FileIO
import SystemPackage
import Workers

/// The writes to one volume: the states of all blocks, and the content of the written blocks.
/// Together with a `ReadableVolume` it forms an ``OverlaidVolume``.
///
/// ```
/// flush:   copy the dirty states ──▶ fdatasync(data) ──▶ write the copies ──▶ fdatasync(states)
/// ```
///
/// So a state "data" becomes durable only after its data, even with concurrent writes. After a
/// power failure, each block has its content from the last flush, or a later write. If the process
/// is killed, nothing is lost: data and `PendingStates` are in the page cache before a write is
/// answered.
package final class VolumeOverlay: Sendable {
  /// The limits of pages in memory. All connections share a lasting overlay, and writing its pages
  /// needs a synchronisation. A temporary overlay may exist for each connection, and its pages only
  /// go to the page cache. Each page covers 64 MiB of the volume.
  private static let lastingLimits = StateTable.Limits(cleanPages: 1024, dirtyPages: 4096)
  private static let namelessLimits = StateTable.Limits(cleanPages: 64, dirtyPages: 128)

  private struct Flushes {
    var begun: UInt64 = 0
    /// The number of the last successful flush.
    var succeeded: UInt64 = 0
    var isRunning = false
    /// The storage has lost data that it had accepted. Trying again would prove nothing.
    var failure: OverlayError?
  }

  /// The exact size of the volume.
  package let sizeBytes: UInt64
  let states: StateTable
  let data: DataParts
  /// The locked ranges of blocks.
  let locks = RangeLocks()
  private let stateFile: StateFile
  /// Nil if the overlay disappears with the process.
  private let pending: PendingStates?
  private let flushes = Monitor(Flushes())

  init(
    _ stateFile: StateFile, in place: OverlayPlace, sizeBytes: UInt64,
    limits: StateTable.Limits? = nil, partBytes: UInt64 = DataParts.standardPartBytes
  ) {
    self.sizeBytes = sizeBytes
    self.stateFile = stateFile
    let pending =
      place.isLasting ? PendingStates(in: place, volumeBytes: sizeBytes) : nil
    self.pending = pending
    states = StateTable(
      stateFile, pending: pending,
      limits: limits ?? (place.isLasting ? Self.lastingLimits : Self.namelessLimits))
    data = DataParts(place, volumeBytes: sizeBytes, partBytes: partBytes)
  }

  /// Opens the overlay in the files of `place`. Restores all writes that a killed process had
  /// answered.
  ///
  /// - Throws: ``OverlayError``.
  static func open(
    in place: OverlayPlace, sizeBytes: UInt64, limits: StateTable.Limits? = nil,
    partBytes: UInt64 = DataParts.standardPartBytes
  ) throws(OverlayError) -> VolumeOverlay {
    let overlay = VolumeOverlay(
      try StateFile.open(in: place, volumeBytes: sizeBytes), in: place, sizeBytes: sizeBytes,
      limits: limits, partBytes: partBytes)
    if let left = try PendingStates.left(in: place, volumeBytes: sizeBytes) {
      try overlay.take(over: left)
    }
    return overlay
  }

  /// Creates an overlay in unnamed files. They disappear with the last reference or with the
  /// process. No file is created before the first write.
  static func temporary(
    sizeBytes: UInt64, in directory: FilePath, fileSystem: any FileSystem
  ) throws(OverlayError) -> VolumeOverlay {
    let place = OverlayPlace(directory: directory, volume: nil, fileSystem: fileSystem)
    return VolumeOverlay(
      try StateFile.create(in: place, volumeBytes: sizeBytes), in: place, sizeBytes: sizeBytes)
  }

  deinit {
    stateFile.close()
    pending?.close()
    data.close()
  }

  /// Makes all earlier writes durable. Does nothing for a temporary overlay, which can only be lost
  /// as a whole.
  ///
  /// - Throws: ``OverlayError``. If the storage failed to keep data, all later changes of the
  ///   overlay fail as well.
  package func synchronize() throws(OverlayError) {
    if isLasting { try flush() }
  }

  /// Makes all writes durable, as the last operation before closing.
  func finish() throws(OverlayError) {
    try synchronize()
    try pending?.remove()
  }

  private var isLasting: Bool { pending != nil }

  /// Throws if the storage has failed before.
  func checkUsable() throws(OverlayError) {
    if let failure = flushes.withLock({ $0.failure }) { throw failure }
  }

  /// Writes states if too many pages are dirty, which limits the memory.
  func relieveMemory() throws(OverlayError) {
    if states.hasTooManyDirtyPages { try flush() }
  }

  /// Writes the states. Only one flush runs at a time. Calls that arrive in the meantime wait and
  /// share the next flush.
  private func flush() throws(OverlayError) {
    let wanted = flushes.withLock { $0.begun + 1 }
    guard try begin(orAwait: wanted) else { return }
    let outcome = Result { () throws(OverlayError) in try writeStates() }
    flushes.withLock { flushes in
      flushes.isRunning = false
      switch outcome {
      case .success: flushes.succeeded = flushes.begun
      case .failure(let error): if error.code == .fileSystem { flushes.failure = error }
      }
    }
    flushes.broadcast()
    try outcome.get()
  }

  /// Returns true if the caller must perform the flush. Returns false if a flush that began late
  /// enough has succeeded.
  private func begin(orAwait wanted: UInt64) throws(OverlayError) -> Bool {
    try flushes.withLock(when: { !$0.isRunning }) { flushes throws(OverlayError) in
      if let failure = flushes.failure { throw failure }
      guard flushes.succeeded < wanted else { return false }
      flushes.begun += 1
      flushes.isRunning = true
      return true
    }
  }

  private func writeStates() throws(OverlayError) {
    // The copy is made before the data is synchronised: blocks marked later may have data that is
    // not durable.
    let pages = states.dirtyPages
    try synchronizing { () throws(FileError) in try data.synchronize() }
    try reportingFileErrors { () throws(FileError) in
      for page in pages { try stateFile.write(page.page, to: page.number) }
    }
    if !pages.isEmpty {
      try synchronizing { () throws(FileError) in try stateFile.synchronize() }
    }
    states.settle(pages)
  }

  /// Completes the flush that a killed process did not perform.
  private func take(over left: PendingStates) throws(OverlayError) {
    defer { left.close() }
    try synchronizing { () throws(FileError) in try data.synchronize() }
    try left.forEachPage { number, runs throws(OverlayError) in
      var page = try stateFile.page(number)
      let first = number * StatePage.blockCount
      for run in runs {
        page.set(run.blocks.lowerBound - first..<run.blocks.upperBound - first, to: run.state)
      }
      try reportingFileErrors { () throws(FileError) in try stateFile.write(page, to: number) }
    }
    try synchronizing { () throws(FileError) in try stateFile.synchronize() }
    try left.remove()
  }

  /// Runs a synchronisation if the overlay is lasting. A failure is final, even if the cause is a
  /// lack of space.
  private func synchronizing(_ body: () throws(FileError) -> Void) throws(OverlayError) {
    guard isLasting else { return }
    do throws(FileError) {
      try body()
    } catch {
      throw OverlayError(
        .fileSystem,
        "\(error); writes since the last flush may be lost, and the overlay accepts no more writes "
          + "until it is opened again",
        cause: error)
    }
  }
}
