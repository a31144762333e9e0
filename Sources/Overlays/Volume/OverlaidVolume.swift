import NIOCore
package import VolumeMap
package import VolumeReader

/// A writable volume: writes go to an overlay, and unwritten content comes from the base.
///
/// Any thread may use it, also for overlapping ranges. If several threads write the same byte at
/// the same time, one of the values remains. Neighbouring bytes are not affected.
package final class OverlaidVolume: WritableVolume {
  let base: any ReadableVolume
  let overlay: VolumeOverlay

  /// Combines a base and its overlay.
  ///
  /// - Throws: ``OverlayError`` with `.damaged` if the base and the overlay differ in size.
  package init(base: any ReadableVolume, overlay: VolumeOverlay) throws(OverlayError) {
    guard base.sizeBytes == overlay.sizeBytes else {
      throw OverlayError(
        .damaged,
        "the overlay expects a volume of \(overlay.sizeBytes) bytes, but the revision's has "
          + "\(base.sizeBytes)")
    }
    self.base = base
    self.overlay = overlay
  }

  /// The exact size.
  package var sizeBytes: UInt64 { overlay.sizeBytes }

  /// Makes all earlier writes durable; see ``VolumeOverlay/synchronize()``.
  package func synchronize() throws(OverlayError) { try overlay.synchronize() }

  // MARK: - Content

  /// Returns pieces that cover the range. Nil if any of it is not in memory. For event loops: never
  /// blocks.
  package func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    guard let runs = overlay.states.heldRuns(of: Block.holding(range)) else { return nil }
    if runs.count == 1, runs[0].state == .base { return base.cachedContent(of: range) }
    var pieces: [VolumePiece] = []
    for run in runs {
      let part = bytes(of: run).clamped(to: range)
      switch run.state {
      case .data: return nil
      case .zero: pieces.append(.hole(lengthBytes: UInt64(part.count)))
      case .base:
        guard let found = base.cachedContent(of: part) else { return nil }
        pieces += found
      }
    }
    return pieces
  }

  /// Returns pieces that cover the range. Blocks.
  package func content(of range: Range<UInt64>) throws(OverlayError) -> [VolumePiece] {
    try check(range)
    var pieces: [VolumePiece] = []
    try forEachRun(in: range) { part, state throws(OverlayError) in
      switch state {
      case .data: pieces.append(.data(try writtenContent(of: part)))
      case .zero: pieces.append(.hole(lengthBytes: UInt64(part.count)))
      case .base: pieces += try baseContent(of: part)
      }
    }
    return pieces
  }

  /// Returns data extents and holes, without gaps from the beginning of the range. There are at
  /// most `limit` extents (at least 1), so they may end before the end of the range. Blocks for a
  /// limited number of lookups in the states and in the base's map.
  package func allocation(
    of range: Range<UInt64>, limit: Int
  ) throws(OverlayError) -> [AllocationExtent] {
    try check(range)
    var extents: [AllocationExtent] = []
    var (offset, looks) = (range.lowerBound, 0)
    while looks < Self.lookLimit,
      let (part, state) = try firstRun(in: offset..<range.upperBound)
    {
      looks += 1
      for extent in try stretches(of: part, state, limit: limit) {
        guard extents.join(extent, limit: max(limit, 1)) else { return extents }
        offset = extent.offsetBytes + extent.lengthBytes
      }
      // The base has returned fewer extents than the range has.
      guard offset == part.upperBound else { break }
    }
    return extents
  }

  /// The greatest number of state lookups for one allocation request.
  private static let lookLimit = 1024

  private func stretches(
    of part: Range<UInt64>, _ state: BlockState, limit: Int
  ) throws(OverlayError) -> [AllocationExtent] {
    guard state == .base else {
      return [
        AllocationExtent(
          offsetBytes: part.lowerBound, lengthBytes: UInt64(part.count), isHole: state == .zero)
      ]
    }
    do {
      return try base.allocation(of: part, limit: limit)
    } catch {
      throw Self.unreadable(error)
    }
  }

  // MARK: - Parts

  /// Calls `body` for each range of equal state in the bytes `range`, in order.
  func forEachRun(
    in range: Range<UInt64>, _ body: (Range<UInt64>, BlockState) throws(OverlayError) -> Void
  ) throws(OverlayError) {
    var offset = range.lowerBound
    while let (part, state) = try firstRun(in: offset..<range.upperBound) {
      try body(part, state)
      offset = part.upperBound
    }
  }

  /// Returns the range of equal state at the start of the bytes `range`. It may end early. Nil for
  /// an empty range.
  func firstRun(
    in range: Range<UInt64>
  ) throws(OverlayError) -> (part: Range<UInt64>, state: BlockState)? {
    guard !range.isEmpty else { return nil }
    let run = try overlay.states.firstRun(in: Block.holding(range))
    return (bytes(of: run).clamped(to: range), run.state)
  }

  func baseContent(of range: Range<UInt64>) throws(OverlayError) -> [VolumePiece] {
    do {
      return try base.content(of: range)
    } catch {
      throw Self.unreadable(error)
    }
  }

  func bytes(of run: StateRun) -> Range<UInt64> {
    Block.bytes(of: run.blocks, ofVolume: sizeBytes)
  }

  func check(_ range: Range<UInt64>) throws(OverlayError) {
    guard range.upperBound <= sizeBytes else {
      throw OverlayError(
        .invalidRequest, "expected a range within the volume's \(sizeBytes) bytes, found \(range)")
    }
  }

  private func writtenContent(of range: Range<UInt64>) throws(OverlayError) -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: range.count)
    var failure: OverlayError?
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { room in
      do throws(OverlayError) {
        let output = UnsafeMutableRawBufferPointer(rebasing: room[..<range.count])
        try overlay.data.read(into: output, at: range.lowerBound)
        return range.count
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return buffer
  }

  private static func unreadable(_ error: any Error) -> OverlayError {
    OverlayError(.unreadableBase, cause: error)
  }
}

extension [AllocationExtent] {
  /// Appends an extent that is adjacent to the last one. Returns false if there are already `limit`
  /// extents.
  fileprivate mutating func join(_ extent: AllocationExtent, limit: Int) -> Bool {
    if let last = indices.last, self[last].isHole == extent.isHole {
      self[last].lengthBytes += extent.lengthBytes
      return true
    }
    guard count < limit else { return false }
    append(extent)
    return true
  }
}
