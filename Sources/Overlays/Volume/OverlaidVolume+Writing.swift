import NIOCore
import VolumeMap
import VolumeReader

// Content is first written to the data, and then the state of its blocks is set. So readers see
// either the old or the new content, at the same time and after a crash.

extension OverlaidVolume {
  /// Writes `bytes`. Blocks.
  ///
  /// - Throws: ``OverlayError`` with `.noSpace` if there is no space. The range then has its old
  ///   content, or parts of the new content.
  package func write(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64
  ) throws(OverlayError) {
    guard !bytes.isEmpty else { return }
    let (end, overflows) = offsetBytes.addingReportingOverflow(UInt64(bytes.count))
    let range = offsetBytes..<(overflows ? .max : end)
    try checkWritable(range)
    let blocks = Block.holding(range)
    try overlay.locks.withLock(blocks) { () throws(OverlayError) in
      // If all blocks are in the data already, the write needs nothing else.
      if try overlay.states.hold(.data, in: blocks) {
        return try overlay.data.write(bytes, at: offsetBytes)
      }
      try overlay.states.reserve(blocks)
      try completeEdges(of: range, blocks)
      try overlay.data.write(bytes, at: offsetBytes)
      try overlay.states.set(blocks, to: .data)
    }
    try overlay.relieveMemory()
  }

  /// Whether a write to this range only reaches the page cache and reads nothing from the base.
  /// This applies to whole blocks, if copying them takes no longer than waking a thread.
  package func isQuickToWrite(_ range: Range<UInt64>) -> Bool {
    UInt64(range.count) <= Self.quickLimitBytes && range.lowerBound % Block.sizeBytes == 0
      && (range.upperBound % Block.sizeBytes == 0 || range.upperBound == sizeBytes)
  }

  private static let quickLimitBytes: UInt64 = 32 << 10

  /// Makes the range read as zeros. Blocks.
  ///
  /// - Parameters:
  ///   - range: must be within the volume and must not be empty.
  ///   - mayTrim: whether the space may be freed. If false, space is allocated.
  /// - Throws: ``OverlayError`` with `.noSpace`.
  package func zero(_ range: Range<UInt64>, mayTrim: Bool) throws(OverlayError) {
    try checkWritable(range)
    guard mayTrim else { return try writeZeros(range) }
    let blocks = Block.within(range, ofVolume: sizeBytes)
    guard !blocks.isEmpty else { return try writeZerosWhereNeeded(range) }
    let whole = Block.bytes(of: blocks, ofVolume: sizeBytes)
    try writeZerosWhereNeeded(range.lowerBound..<whole.lowerBound)
    try discard(blocks)
    try writeZerosWhereNeeded(whole.upperBound..<range.upperBound)
  }

  /// Makes the whole blocks in the range read as zeros, and frees their space. Parts of blocks do
  /// not change. Blocks.
  package func trim(_ range: Range<UInt64>) throws(OverlayError) {
    try checkWritable(range)
    try discard(Block.within(range, ofVolume: sizeBytes))
  }

  private func checkWritable(_ range: Range<UInt64>) throws(OverlayError) {
    try check(range)
    try overlay.checkUsable()
  }

  // MARK: - Parts of blocks

  /// Copies the rest of the first and the last block, outside `range`, into the overlay if it is
  /// not there.
  private func completeEdges(
    of range: Range<UInt64>, _ blocks: Range<UInt64>
  ) throws(OverlayError) {
    let whole = Block.bytes(of: blocks, ofVolume: sizeBytes)
    guard whole != range else { return }
    for edge in [
      whole.lowerBound..<range.lowerBound, range.upperBound..<whole.upperBound,
    ] where !edge.isEmpty {
      let state = try overlay.states.firstRun(in: Block.holding(edge)).state
      switch state {
      case .data: break
      case .zero: try writeZeroBytes(edge)
      case .base: try copyBase(edge)
      }
    }
  }

  private func copyBase(_ range: Range<UInt64>) throws(OverlayError) {
    var offset = range.lowerBound
    for piece in try baseContent(of: range) {
      let end = offset + piece.lengthBytes
      switch piece {
      case .hole: try writeZeroBytes(offset..<end)
      case .data(let content):
        try content.withUnsafeReadableBytes { bytes throws(OverlayError) in
          try overlay.data.write(bytes, at: offset)
        }
      }
      offset = end
    }
  }

  /// Writes zeros to the data, without regard to the states.
  private func writeZeroBytes(_ range: Range<UInt64>) throws(OverlayError) {
    try Self.zeros.withUnsafeReadableBytes { bytes throws(OverlayError) in
      let part = UnsafeRawBufferPointer(rebasing: bytes[..<range.count])
      try overlay.data.write(part, at: range.lowerBound)
    }
  }

  // MARK: - Zeros

  private static let zeros = ByteBuffer(repeating: 0, count: 1 << 20)

  /// Writes zeros like any other content.
  private func writeZeros(_ range: Range<UInt64>) throws(OverlayError) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = Int(min(UInt64(Self.zeros.readableBytes), range.upperBound - offset))
      try Self.zeros.withUnsafeReadableBytes { bytes throws(OverlayError) in
        try write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: offset)
      }
      offset += UInt64(count)
    }
  }

  /// Writes zeros to a part of a block, unless the whole block reads as zeros.
  private func writeZerosWhereNeeded(_ range: Range<UInt64>) throws(OverlayError) {
    guard !range.isEmpty else { return }
    for block in Block.holding(range) {
      let whole = Block.bytes(of: block..<block + 1, ofVolume: sizeBytes)
      let extents = try allocation(of: whole, limit: 1)
      if extents.first?.isHole == true, extents.first?.lengthBytes == UInt64(whole.count) {
        continue
      }
      try writeZeros(whole.clamped(to: range))
    }
  }

  /// Makes whole blocks read as zeros. Blocks that are holes in the base get the state "base"
  /// again. So discarding a large, mostly empty disk is quick and needs no space.
  private func discard(_ blocks: Range<UInt64>) throws(OverlayError) {
    var next = blocks.lowerBound
    while next < blocks.upperBound {
      let bytes = Block.bytes(of: next..<blocks.upperBound, ofVolume: sizeBytes)
      for extent in baseExtents(of: bytes) {
        let end = min(extent.offsetBytes + extent.lengthBytes, bytes.upperBound)
        let whole = Block.within(extent.offsetBytes..<end, ofVolume: sizeBytes)
        if extent.isHole, !whole.isEmpty {
          try blank(next..<whole.lowerBound)
          try revert(whole)
          next = whole.upperBound
        } else {
          let touched = Block.holding(extent.offsetBytes..<end).upperBound
          try blank(next..<max(next, touched))
          next = max(next, touched)
        }
      }
    }
  }

  /// Returns the data extents and holes of the base. If the base cannot report them, counts a
  /// limited range as data.
  private func baseExtents(of bytes: Range<UInt64>) -> [AllocationExtent] {
    if let extents = try? base.allocation(of: bytes, limit: 256), !extents.isEmpty {
      return extents
    }
    let lengthBytes = min(UInt64(bytes.count), StatePage.blockCount * Block.sizeBytes)
    return [
      AllocationExtent(offsetBytes: bytes.lowerBound, lengthBytes: lengthBytes, isHole: false)
    ]
  }

  /// Sets blocks that are holes in the base to the state "base".
  private func revert(_ blocks: Range<UInt64>) throws(OverlayError) {
    var next = blocks.lowerBound
    while next < blocks.upperBound {
      let run = try overlay.states.firstRun(in: next..<blocks.upperBound)
      if run.state == .base {
        next = run.blocks.upperBound
      } else {
        let step = pageStep(from: next, within: blocks)
        try change(step, to: .base)
        next = step.upperBound
      }
    }
  }

  /// Sets blocks that have content in the base to the state "zero".
  private func blank(_ blocks: Range<UInt64>) throws(OverlayError) {
    var next = blocks.lowerBound
    while next < blocks.upperBound {
      let step = pageStep(from: next, within: blocks)
      if try !overlay.states.hold(.zero, in: step) { try change(step, to: .zero) }
      next = step.upperBound
    }
  }

  /// Returns the rest of a page of states. Working page by page limits the memory and the time of
  /// locks.
  private func pageStep(from block: UInt64, within blocks: Range<UInt64>) -> Range<UInt64> {
    let end = (block / StatePage.blockCount + 1) * StatePage.blockCount
    return block..<min(end, blocks.upperBound)
  }

  private func change(_ blocks: Range<UInt64>, to state: BlockState) throws(OverlayError) {
    try overlay.locks.withLock(blocks) { () throws(OverlayError) in
      try overlay.states.reserve(blocks)
      let written = try writtenBlocks(in: blocks)
      try overlay.states.set(blocks, to: state)
      if let written {
        overlay.data.discard(Block.bytes(of: written, ofVolume: sizeBytes))
      }
    }
    try overlay.relieveMemory()
  }

  /// Returns the range from the first block with data in the overlay to the last one. `blocks` must
  /// be in one page.
  private func writtenBlocks(in blocks: Range<UInt64>) throws(OverlayError) -> Range<UInt64>? {
    var found: Range<UInt64>?
    var next = blocks.lowerBound
    while next < blocks.upperBound {
      let run = try overlay.states.firstRun(in: next..<blocks.upperBound)
      if run.state == .data {
        found = (found?.lowerBound ?? run.blocks.lowerBound)..<run.blocks.upperBound
      }
      next = run.blocks.upperBound
    }
    return found
  }
}
