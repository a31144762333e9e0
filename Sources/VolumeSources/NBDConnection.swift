import CNBD
import Glibc

/// A connection to one export, with several requests in flight.
///
/// Writes are copied into the connection's own memory and answered for later: an error may come out
/// of any later call, at the latest of ``flush()``, always naming the offset it belongs to. The server
/// may do requests in flight in any order, so one that touches another's range waits for it.
struct NBDConnection: ~Copyable {
  /// Enough to hide a network's delay; the memory is 8 MiB.
  private static let inFlightLimit = 16
  private static let pieceLimitBytes = 512 << 10
  /// The lengths of requests have 32 bits, and servers that write zeros take their time.
  private static let zeroLimitBytes: UInt64 = 256 << 20

  let sizeBytes: UInt64
  let isReadOnly: Bool

  private let name: String
  private let handle: OpaquePointer
  private let blocks: NBDBlockSizes
  private let canZero: Bool
  /// One piece for each slot; while nothing is in flight, free for other use.
  private let memory: OwnedBuffer
  private var freeSlots = Array(0..<inFlightLimit)
  private var inFlight: [Request] = []

  private struct Request {
    let cookie: UInt64
    let range: Range<UInt64>
    let slot: Int
  }

  init(uri: String) throws(RestoreTargetError) {
    guard let handle = nbd_create() else { throw .cannotConnect(uri, lastNBDError()) }
    guard nbd_connect_uri(handle, uri) == 0 else {
      let reason = lastNBDError()
      nbd_close(handle)
      throw .cannotConnect(uri, reason)
    }
    name = uri
    self.handle = handle
    sizeBytes = UInt64(max(0, nbd_get_size(handle)))
    isReadOnly = nbd_is_read_only(handle) != 0
    canZero = nbd_can_zero(handle) == 1
    blocks = NBDBlockSizes(handle, pieceLimitBytes: Self.pieceLimitBytes)
    memory = OwnedBuffer(byteCount: Self.inFlightLimit * blocks.pieceBytes)
  }

  deinit {
    // Says goodbye without waiting for answers that nobody will look at. Only after closing is the
    // memory of requests in flight free.
    nbd_shutdown(handle, UInt32(LIBNBD_SHUTDOWN_ABANDON_PENDING))
    nbd_close(handle)
  }

  mutating func write(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    let range = AlignedRange(
      offsetBytes: offsetBytes, lengthBytes: UInt64(bytes.count),
      alignmentBytes: blocks.minimumBytes)
    let (head, body) = (Int(range.headBytes), Int(range.headBytes + range.bodyBytes))
    try patch(UnsafeRawBufferPointer(rebasing: bytes[..<head]), at: offsetBytes)
    try forEachRange(
      at: range.bodyOffsetBytes, lengthBytes: range.bodyBytes, limitBytes: UInt64(blocks.pieceBytes)
    ) { offset, length throws(RestoreTargetError) in
      let start = Int(offset - offsetBytes)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(length)])
      try send(at: offset, lengthBytes: length) { handle, slot in
        slot.copyMemory(from: piece)
        return nbd_aio_pwrite(handle, slot.baseAddress, piece.count, offset, .init(), 0)
      }
    }
    try patch(UnsafeRawBufferPointer(rebasing: bytes[body...]), at: range.tailOffsetBytes)
  }

  mutating func writeZeros(
    at offsetBytes: UInt64, lengthBytes: UInt64
  ) throws(RestoreTargetError) {
    guard canZero else {
      return try Zeros.forEachPiece(at: offsetBytes, lengthBytes: lengthBytes) {
        bytes, offset throws(RestoreTargetError) in
        try write(bytes, at: offset)
      }
    }
    let range = AlignedRange(
      offsetBytes: offsetBytes, lengthBytes: lengthBytes, alignmentBytes: blocks.minimumBytes)
    try patchZeros(at: offsetBytes, lengthBytes: range.headBytes)
    try forEachRange(
      at: range.bodyOffsetBytes, lengthBytes: range.bodyBytes, limitBytes: Self.zeroLimitBytes
    ) { offset, length throws(RestoreTargetError) in
      // Without NO_HOLE the server may free the range; it reads as zeros either way.
      try send(at: offset, lengthBytes: length) { handle, _ in
        nbd_aio_zero(handle, length, offset, .init(), 0)
      }
    }
    try patchZeros(at: range.tailOffsetBytes, lengthBytes: range.tailBytes)
  }

  mutating func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try drain()
    var done = 0
    while done < buffer.count {
      // A piece of whole blocks around what is wanted; most servers have blocks of one byte.
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

  /// Waits for everything in flight, then has the server make it durable. A server that does not
  /// offer flushing keeps nothing back, as far as the protocol tells.
  mutating func flush() throws(RestoreTargetError) {
    try drain()
    guard nbd_can_flush(handle) == 1 else { return }
    guard nbd_flush(handle, 0) == 0 else { throw .synchronizeFailed(name, lastNBDError()) }
  }

  // MARK: - Requests in flight

  /// Sends a request that `issue` makes, with memory of its own; returns before it is answered.
  private mutating func send(
    at offsetBytes: UInt64, lengthBytes: UInt64,
    _ issue: (OpaquePointer, UnsafeMutableRawBufferPointer) -> Int64
  ) throws(RestoreTargetError) {
    let range = offsetBytes..<offsetBytes + lengthBytes
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
      throw .writeFailed(name, at: offsetBytes, lastNBDError())
    }
    inFlight.append(Request(cookie: UInt64(cookie), range: range, slot: slot))
  }

  private mutating func drain() throws(RestoreTargetError) {
    while !inFlight.isEmpty { try awaitAnswers() }
  }

  /// Waits until the connection has moved on, and takes the answers that have come.
  private mutating func awaitAnswers() throws(RestoreTargetError) {
    if nbd_poll(handle, -1) == -1, nbd_get_errno() != EINTR {
      let offset = inFlight.first?.range.lowerBound ?? 0
      throw .writeFailed(name, at: offset, lastNBDError())
    }
    var failure: RestoreTargetError?
    inFlight.removeAll { request in
      let outcome = nbd_aio_command_completed(handle, request.cookie)
      if outcome == 0 { return false }
      if outcome == -1, failure == nil {
        failure = .writeFailed(name, at: request.range.lowerBound, lastNBDError())
      }
      freeSlots.append(request.slot)
      return true
    }
    if let failure { throw failure }
  }

  // MARK: - Parts of blocks

  /// Writes less than a block at either end of it: the block is read, changed and written.
  private mutating func patch(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    guard !bytes.isEmpty else { return }
    try drain()
    let start = offsetBytes - offsetBytes % blocks.minimumBytes
    let count = Int(blocks.end(of: start + 1, sizeBytes) - start)
    try readBlocks(at: start, count: count)
    UnsafeMutableRawBufferPointer(rebasing: memory.bytes[Int(offsetBytes - start)..<count])
      .copyMemory(from: bytes)
    guard nbd_pwrite(handle, memory.bytes.baseAddress, count, start, 0) == 0 else {
      throw .writeFailed(name, at: offsetBytes, lastNBDError())
    }
  }

  private mutating func patchZeros(
    at offsetBytes: UInt64, lengthBytes: UInt64
  ) throws(RestoreTargetError) {
    try Zeros.forEachPiece(at: offsetBytes, lengthBytes: lengthBytes) {
      bytes, offset throws(RestoreTargetError) in
      try patch(bytes, at: offset)
    }
  }

  /// Reads whole blocks to the beginning of `memory`. Nothing may be in flight.
  private func readBlocks(at offsetBytes: UInt64, count: Int) throws(RestoreTargetError) {
    guard nbd_pread(handle, memory.bytes.baseAddress, count, offsetBytes, 0) == 0 else {
      throw .readFailed(name, at: offsetBytes, lastNBDError())
    }
  }
}

/// What a server demands of the offsets and lengths of requests.
struct NBDBlockSizes {
  /// Offsets and lengths are multiples of this, but for the end of an export of odd size.
  let minimumBytes: UInt64
  /// The greatest length used: a multiple of the minimum.
  let pieceBytes: Int

  /// - Parameter pieceLimitBytes: what is enough, even if the server takes more.
  fileprivate init(_ handle: OpaquePointer, pieceLimitBytes: Int) {
    // 0 or less: the server says nothing, and takes 1 byte to 32 MiB (NBD protocol, "Block size
    // constraints").
    let minimum = max(1, Int(nbd_get_block_size(handle, Int32(LIBNBD_SIZE_MINIMUM))))
    let stated = Int(nbd_get_block_size(handle, Int32(LIBNBD_SIZE_MAXIMUM)))
    let limit = stated > 0 ? min(stated, pieceLimitBytes) : pieceLimitBytes
    minimumBytes = UInt64(minimum)
    pieceBytes = max(minimum, limit - limit % minimum)
  }

  /// Where the block ends that holds the byte before `offsetBytes`.
  func end(of offsetBytes: UInt64, _ exportSizeBytes: UInt64) -> UInt64 {
    let blockCount = (offsetBytes + minimumBytes - 1) / minimumBytes
    return min(blockCount * minimumBytes, exportSizeBytes)
  }
}

/// What libnbd says of the last call of this thread that failed.
private func lastNBDError() -> String {
  nbd_get_error().map { String(cString: $0) } ?? "unknown error"
}
