import FileIO
import SystemPackage
import Workers

/// What was written to one volume: where the content of each block is, and the content of those that
/// were written. Together with a `ReadableVolume` it makes an ``OverlaidVolume``.
///
/// ```
/// flush:   copy the dirty states ──▶ fdatasync(data) ──▶ write the copies ──▶ fdatasync(states)
/// ```
///
/// So a state that says "data" is durable only when the data is, whatever is being written meanwhile:
/// after a power failure at any moment each block is what it was at the last flush, or what was written
/// to it since. A process that is killed loses nothing: data and `PendingStates` are in the page cache
/// before anybody is told.
package final class VolumeOverlay: Sendable {
  /// Pages in memory. One that lasts is shared by all connections, and writing its pages costs a
  /// synchronisation; of those that do not there is one a connection, and theirs only go to the page
  /// cache. Each page covers 64 MiB of the volume.
  private static let lastingLimits = StateTable.Limits(cleanPages: 1024, dirtyPages: 4096)
  private static let namelessLimits = StateTable.Limits(cleanPages: 64, dirtyPages: 128)

  private struct Flushes {
    var begun: UInt64 = 0
    /// The number of the last one that did all it had to.
    var succeeded: UInt64 = 0
    var isRunning = false
    /// Storage failed to keep what it had taken. Trying again would prove nothing.
    var failure: OverlayError?
  }

  /// Of the volume, exact to the byte.
  package let sizeBytes: UInt64
  let states: StateTable
  let data: DataParts
  /// By blocks.
  let locks = RangeLocks()
  private let stateFile: StateFile
  /// Nil where the overlay is gone with the process.
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

  /// The overlay in the files of `place`, with all that a process has answered that was killed.
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

  /// An overlay in files without names, gone with the last reference or the process. No file is made
  /// before something is written.
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

  /// Everything that was written before this is called is durable when it returns. Of an overlay that
  /// does not last nothing can be lost but with all of it, and this does nothing.
  ///
  /// - Throws: ``OverlayError``. Where storage failed to keep data, everything else that would change
  ///   the overlay fails from then on.
  package func synchronize() throws(OverlayError) {
    if isLasting { try flush() }
  }

  /// The same when nothing will be written any more.
  func finish() throws(OverlayError) {
    try synchronize()
    try pending?.remove()
  }

  private var isLasting: Bool { pending != nil }

  /// Fails where storage has failed before.
  func checkUsable() throws(OverlayError) {
    if let failure = flushes.withLock({ $0.failure }) { throw failure }
  }

  /// Writes states where too many wait for it, so that memory stays bounded.
  func relieveMemory() throws(OverlayError) {
    if states.hasTooManyDirtyPages { try flush() }
  }

  /// One at a time; who comes while one is running waits for the next, together with all others that
  /// do.
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

  /// True when the caller is the one to flush, false when a flush that began late enough has ended
  /// well.
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
    // Before the data is synchronised: what is marked later may have data that is not.
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

  /// What the flush would have done that a killed process did not come to.
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

  /// Runs what makes things durable, where they are to be; its failure is final, even for want of
  /// room.
  private func synchronizing(_ body: () throws(FileError) -> Void) throws(OverlayError) {
    guard isLasting else { return }
    do throws(FileError) {
      try body()
    } catch {
      throw OverlayError(
        .fileSystem,
        "\(error); what was written since the last flush may be lost, and the overlay takes no more "
          + "writes until it is opened again",
        cause: error)
    }
  }
}
