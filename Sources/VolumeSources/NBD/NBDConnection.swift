import CNBD
import FileIO
import Glibc
import SystemPackage

/// A connection to one export, with several requests in flight.
///
/// Writes are copied into the connection's own memory, and the server answers them later. So any
/// later call may throw the error of a write, ``flush()`` at the latest. The error names the offset
/// of the write. The server may execute requests in flight in any order, so a request waits for an
/// earlier one whose range overlaps.
package struct NBDConnection: ~Copyable {
  /// The most requests in flight: enough to hide a network's delay. They need 8 MiB of memory.
  private static let inFlightLimit = 16
  private static let pieceLimitBytes = 512 << 10
  /// The longest request for zeros. Lengths of requests have 32 bits, and servers may take long to
  /// write zeros.
  private static let zeroLimitBytes: UInt64 = 256 << 20

  package let sizeBytes: UInt64
  package let isReadOnly: Bool

  private let handle: OpaquePointer
  private let blocks: NBDBlockSizes
  private let canZero: Bool
  private let canTrim: Bool
  private var canZeroFast: Bool
  private var extents: NBDExtents?
  /// The handle calls this, so it must live as long as the handle.
  private let answer = NBDExtents.Answer()
  private let patienceSeconds: Int
  /// Whether the server has not answered for `patienceSeconds`.
  private var isStalled = false
  /// One piece for each slot. While nothing is in flight, the memory is free for other use.
  private let memory: OwnedBuffer
  private var freeSlots = Array(0..<inFlightLimit)
  private var inFlight: [Request] = []
  /// Ranges that the server refused to zero fast, although it offers this.
  private var refusedZeros = RangeSet<UInt64>()

  private struct Request {
    enum Kind {
      /// Must succeed.
      case write
      /// The server may refuse.
      case fastZero
      /// Only saves space. The server may fail.
      case trim
    }

    let kind: Kind
    let cookie: UInt64
    let range: Range<UInt64>
    let slot: Int
  }

  /// - Parameter patienceSeconds: the longest time without an answer of the server.
  package init(uri: String, patienceSeconds: Int) throws(NBDConnectionError) {
    guard let handle = nbd_create() else { throw NBDConnectionError(.connect, NBDError.last) }
    nbd_add_meta_context(handle, NBDExtents.context)
    guard nbd_connect_uri(handle, uri) == 0 else {
      let error = NBDError.last
      nbd_close(handle)
      throw NBDConnectionError(.connect, error)
    }
    self.patienceSeconds = patienceSeconds
    self.handle = handle
    sizeBytes = UInt64(max(0, nbd_get_size(handle)))
    isReadOnly = nbd_is_read_only(handle) != 0
    canZero = nbd_can_zero(handle) == 1
    canTrim = nbd_can_trim(handle) == 1
    canZeroFast = canZero && nbd_can_fast_zero(handle) == 1
    extents =
      nbd_can_meta_context(handle, NBDExtents.context) == 1
      ? NBDExtents(sizeBytes: sizeBytes, answer: answer) : nil
    blocks = NBDBlockSizes(handle, pieceLimitBytes: Self.pieceLimitBytes)
    memory = OwnedBuffer(byteCount: Self.inFlightLimit * blocks.pieceBytes)
  }

  deinit {
    // End the session: do not wait for pending answers, but wait until the server closes the
    // connection. The memory of requests in flight may be freed only after closing.
    if !isStalled { nbd_shutdown(handle, UInt32(LIBNBD_SHUTDOWN_ABANDON_PENDING)) }
    nbd_close(handle)
  }

  package mutating func write(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64
  ) throws(NBDConnectionError) {
    extents?.forget(upTo: offsetBytes..<offsetBytes + UInt64(bytes.count))
    let range = AlignedRange(
      offsetBytes: offsetBytes, lengthBytes: UInt64(bytes.count),
      alignmentBytes: blocks.minimumBytes)
    let (head, body) = (Int(range.headBytes), Int(range.headBytes + range.bodyBytes))
    try patch(UnsafeRawBufferPointer(rebasing: bytes[..<head]), at: offsetBytes)
    try forEachRange(
      at: range.bodyOffsetBytes, lengthBytes: range.bodyBytes, limitBytes: UInt64(blocks.pieceBytes)
    ) { offset, length throws(NBDConnectionError) in
      let start = Int(offset - offsetBytes)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(length)])
      try send(.write, offset..<offset + length) { handle, slot in
        slot.copyMemory(from: piece)
        return nbd_aio_pwrite(handle, slot.baseAddress, piece.count, offset, .init(), 0)
      }
    }
    try patch(UnsafeRawBufferPointer(rebasing: bytes[body...]), at: range.tailOffsetBytes)
    // Earlier requests for this range have been answered, and the range now has other content.
    if !bytes.isEmpty {
      refusedZeros.remove(contentsOf: offsetBytes..<offsetBytes + UInt64(bytes.count))
    }
  }

  /// Zeroes a range as far as this uses no space.
  ///
  /// - Returns: parts that the caller must check once everything is written.
  package mutating func makeZeros(
    _ range: Range<UInt64>
  ) throws(NBDConnectionError) -> [Range<UInt64>] {
    let aligned = AlignedRange(
      offsetBytes: range.lowerBound, lengthBytes: UInt64(range.count),
      alignmentBytes: blocks.minimumBytes)
    var unchecked = [
      range.lowerBound..<aligned.bodyOffsetBytes, aligned.tailOffsetBytes..<range.upperBound,
    ]
    var offset = aligned.bodyOffsetBytes
    while offset < aligned.tailOffsetBytes {
      let limit = Self.zeroLimitBytes - offset % Self.zeroLimitBytes
      let wanted = offset..<offset + min(limit, aligned.tailOffsetBytes - offset)
      let (part, isZero) = try firstExtent(of: wanted)
      if !isZero {
        if canZeroFast {
          try sendFastZero(part)
        } else {
          if canTrim { try sendTrim(part) }
          unchecked.append(part)
        }
      }
      offset = part.upperBound
    }
    return unchecked + refusedZeros.takeAll()
  }

  /// Waits for all answers, then returns the ranges that the server refused to zero fast.
  package mutating func takeRefusedZeros() throws(NBDConnectionError) -> [Range<UInt64>] {
    try drain()
    return refusedZeros.takeAll()
  }

  /// Makes a range zero: reads it, and writes zeros only where it holds other bytes.
  package mutating func zeroWhatIsNot(_ range: Range<UInt64>) throws(NBDConnectionError) {
    // These parts are already allocated, so writing zeros to them uses no more space.
    var found: [Range<UInt64>] = []
    try forEachRange(
      at: range.lowerBound, lengthBytes: UInt64(range.count), limitBytes: Self.zeroLimitBytes
    ) { offset, length throws(NBDConnectionError) in
      try Zeros.forEachNonzeroRun(
        in: offset..<offset + length,
        read: { buffer, offset throws(NBDConnectionError) in try read(into: buffer, at: offset) },
        body: { run throws(NBDConnectionError) in found.append(run) })
      for run in found { try writeZeros(run) }
      found = []
    }
  }

  /// Zeroes a range, even if this uses space.
  private mutating func writeZeros(_ run: Range<UInt64>) throws(NBDConnectionError) {
    let isAligned =
      run.lowerBound % blocks.minimumBytes == 0 && run.upperBound % blocks.minimumBytes == 0
    guard canZero, isAligned else {
      return try Zeros.forEachPiece(at: run.lowerBound, lengthBytes: UInt64(run.count)) {
        bytes, offset throws(NBDConnectionError) in
        try write(bytes, at: offset)
      }
    }
    // Without NO_HOLE the server may free the range. It reads as zeros in both cases.
    try send(.write, run) { handle, _ in
      nbd_aio_zero(handle, UInt64(run.count), run.lowerBound, .init(), 0)
    }
  }

  private mutating func sendFastZero(_ range: Range<UInt64>) throws(NBDConnectionError) {
    try send(.fastZero, range) { handle, _ in
      nbd_aio_zero(
        handle, UInt64(range.count), range.lowerBound, .init(), UInt32(LIBNBD_CMD_FLAG_FAST_ZERO))
    }
  }

  private mutating func sendTrim(_ range: Range<UInt64>) throws(NBDConnectionError) {
    try send(.trim, range) { handle, _ in
      nbd_aio_trim(handle, UInt64(range.count), range.lowerBound, .init(), 0)
    }
  }

  /// The first part of a range that either reads as zeros or may hold data.
  private mutating func firstExtent(
    of range: Range<UInt64>
  ) throws(NBDConnectionError) -> (range: Range<UInt64>, isZero: Bool) {
    guard var known = extents.take() else { return (range, false) }
    if !known.covers(range.lowerBound) {
      let request = known.request(from: range.lowerBound, blocks)
      // A server may answer with the current state before it has executed earlier writes.
      while inFlight.contains(where: { $0.kind == .write && $0.range.overlaps(request) }) {
        try awaitAnswers()
      }
      let (handle, answer) = (handle, known.answer)
      let error = try perform(at: range.lowerBound) {
        nbd_aio_block_status(
          handle, UInt64(request.count), request.lowerBound, answer.callback, .init(), 0)
      }
      // If a server cannot answer, although it offers this, it is not asked again.
      guard error == nil, known.takeAnswer(to: request) else { return (range, false) }
    }
    let found = known.first(of: range)
    extents = known
    return found
  }

  package mutating func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(NBDConnectionError) {
    try drain()
    var done = 0
    while done < buffer.count {
      // Read a piece of whole blocks around the wanted bytes; most servers have blocks of one byte.
      let position = offsetBytes + UInt64(done)
      let start = position - position % blocks.minimumBytes
      let skipped = Int(position - start)
      let length = min(
        UInt64(blocks.pieceBytes),
        blocks.end(of: offsetBytes + UInt64(buffer.count), sizeBytes) - start)
      try readBlocks(at: start, count: Int(length))
      let count = min(Int(length) - skipped, buffer.count - done)
      UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
        .copyMemory(from: memory[skipped..<skipped + count])
      done += count
    }
  }

  /// Waits for all requests in flight, then tells the server to make them durable. If a server does
  /// not offer flushing, nothing more can be done.
  package mutating func flush() throws(NBDConnectionError) {
    try drain()
    guard nbd_can_flush(handle) == 1 else { return }
    let handle = handle
    if let error = try perform(at: 0, { nbd_aio_flush(handle, .init(), 0) }) {
      throw NBDConnectionError(.flush, error)
    }
  }

  // MARK: - Requests in flight

  /// Sends a request with its own memory. `issue` makes the request. Returns before the server
  /// answers.
  private mutating func send(
    _ kind: Request.Kind, _ range: Range<UInt64>,
    _ issue: (OpaquePointer, UnsafeMutableRawBufferPointer) -> Int64
  ) throws(NBDConnectionError) {
    while freeSlots.isEmpty || inFlight.contains(where: { $0.range.overlaps(range) }) {
      try awaitAnswers()
    }
    let slot = freeSlots.removeLast()
    let start = slot * blocks.pieceBytes
    let piece = UnsafeMutableRawBufferPointer(
      rebasing: memory.bytes[start..<start + blocks.pieceBytes])
    let cookie = issue(handle, piece)
    guard cookie >= 0 else {
      freeSlots.append(slot)
      throw writeFailure(at: range.lowerBound)
    }
    inFlight.append(Request(kind: kind, cookie: UInt64(cookie), range: range, slot: slot))
  }

  private mutating func drain() throws(NBDConnectionError) {
    while !inFlight.isEmpty { try awaitAnswers() }
  }

  /// Makes a request, and waits for its answer. Other requests in flight continue.
  ///
  /// - Returns: the error in the server's answer; nil for success.
  private mutating func perform(
    at offsetBytes: UInt64, _ issue: () -> Int64
  ) throws(NBDConnectionError) -> NBDError? {
    let cookie = issue()
    guard cookie >= 0 else { return .last }
    while true {
      switch nbd_aio_command_completed(handle, UInt64(cookie)) {
      case 0: try awaitTraffic(at: offsetBytes)
      case 1: return nil
      default: return .last
      }
    }
  }

  /// Waits until something has been sent or received on the connection.
  private mutating func awaitTraffic(at offsetBytes: UInt64) throws(NBDConnectionError) {
    let outcome = nbd_poll(handle, CInt(patienceSeconds * 1000))
    if outcome == 0 {
      isStalled = true
      throw NBDConnectionError(
        .write(offsetBytes: offsetBytes),
        NBDError(reason: Errno.timedOut.explanation, errno: .timedOut))
    }
    if outcome == -1, nbd_get_errno() != EINTR { throw writeFailure(at: offsetBytes) }
  }

  /// Takes the answers that have arrived. If there are none, waits for some.
  private mutating func awaitAnswers() throws(NBDConnectionError) {
    let count = inFlight.count
    try takeAnswers()
    while count > 0, inFlight.count == count {
      try awaitTraffic(at: inFlight[0].range.lowerBound)
      try takeAnswers()
    }
  }

  private mutating func takeAnswers() throws(NBDConnectionError) {
    var failure: (range: Range<UInt64>, error: NBDError)?
    var refused: [Range<UInt64>] = []
    inFlight.removeAll { request in
      let outcome = nbd_aio_command_completed(handle, request.cookie)
      if outcome == 0 { return false }
      freeSlots.append(request.slot)
      guard outcome == -1 else { return true }
      let error = NBDError.last
      switch request.kind {
      case .trim: break
      case .fastZero where error.errno.isRefusal: refused.append(request.range)
      case .write, .fastZero: failure = failure ?? (request.range, error)
      }
      return true
    }
    if !refused.isEmpty { canZeroFast = false }
    for range in refused { refusedZeros.insert(contentsOf: range) }
    if let (range, error) = failure { throw writeFailure(at: range.lowerBound, error) }
  }

  private func writeFailure(
    at offsetBytes: UInt64, _ error: NBDError = .last
  ) -> NBDConnectionError {
    NBDConnectionError(.write(offsetBytes: offsetBytes), error)
  }

  // MARK: - Parts of blocks

  /// Writes a part of one block: reads the block, changes it, and writes it.
  private mutating func patch(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64
  ) throws(NBDConnectionError) {
    guard !bytes.isEmpty else { return }
    try drain()
    let start = offsetBytes - offsetBytes % blocks.minimumBytes
    let count = Int(blocks.end(of: start + 1, sizeBytes) - start)
    try readBlocks(at: start, count: count)
    UnsafeMutableRawBufferPointer(rebasing: memory.bytes[Int(offsetBytes - start)..<count])
      .copyMemory(from: bytes)
    let (handle, block) = (handle, memory.bytes.baseAddress)
    if let error = try perform(
      at: start, { nbd_aio_pwrite(handle, block, count, start, .init(), 0) })
    {
      throw writeFailure(at: offsetBytes, error)
    }
  }

  /// Reads whole blocks to the beginning of `memory`. Nothing may be in flight.
  private mutating func readBlocks(at offsetBytes: UInt64, count: Int) throws(NBDConnectionError) {
    let (handle, block) = (handle, memory.bytes.baseAddress)
    let error = try perform(at: offsetBytes) {
      nbd_aio_pread(handle, block, count, offsetBytes, .init(), 0)
    }
    if let error { throw NBDConnectionError(.read(offsetBytes: offsetBytes), error) }
  }
}

extension Errno {
  /// Whether the error means that the server cannot execute such a request. It may still be able to
  /// do the work in another way.
  fileprivate var isRefusal: Bool {
    [.notSupported, .invalidArgument, .notSupportedOnSocket].contains(self)
  }
}

extension RangeSet {
  fileprivate mutating func takeAll() -> [Range<Bound>] {
    defer { self = RangeSet() }
    return Array(ranges)
  }
}
