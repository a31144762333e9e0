import NIOCore

/// Replies that wait to be sent, in order.
///
/// Headers and small data are collected in one buffer and sent with a single write. Large data is
/// passed on without a copy. Before that, the collecting buffer is put aside and not written to
/// again: a write to a buffer with a slice in use would copy all of it.
struct Outbox {
  /// Data up to this size is copied. That is cheaper than to send it as a separate vector.
  private static let copyLimitBytes = 8 << 10
  /// A collecting buffer above this size is put aside.
  private static let gatherLimitBytes = 256 << 10
  /// The content of holes in simple replies, used again and again.
  private static let zeros = ByteBuffer(repeating: 0, count: 256 << 10)

  private var ready: [ByteBuffer] = []
  private var gathered = ByteBuffer()
  private var readyBytes = 0

  /// The bytes appended since the last ``drain(_:)``.
  var pendingBytes: Int { readyBytes + gathered.readableBytes }

  /// Appends headers and whole small replies, which `write` writes.
  @inline(__always)
  mutating func gather(_ write: (inout ByteBuffer) -> Void) {
    write(&gathered)
    if gathered.readableBytes > Self.gatherLimitBytes { retireGathered() }
  }

  mutating func append(_ data: ByteBuffer) {
    if data.readableBytes <= Self.copyLimitBytes || data.isWasteful {
      gather { $0.writeImmutableBuffer(data) }
    } else {
      retireGathered()
      ready.append(data)
      readyBytes += data.readableBytes
    }
  }

  mutating func appendZeros(count: Int) {
    var left = count
    while left > 0 {
      let step = min(left, Self.zeros.readableBytes)
      append(Self.zeros.getSlice(at: 0, length: step) ?? Self.zeros)
      left -= step
    }
  }

  /// Passes everything to `write`. The collecting buffer is used again, unless it is still in use
  /// by then.
  mutating func drain(_ write: (ByteBuffer, _ isLast: Bool) -> Void) {
    let hasGathered = gathered.readableBytes > 0
    for (index, buffer) in ready.enumerated() {
      write(buffer, !hasGathered && index == ready.count - 1)
    }
    ready.removeAll(keepingCapacity: true)
    readyBytes = 0
    if hasGathered { write(gathered, true) }
    gathered.moveReaderIndex(to: gathered.writerIndex)
  }

  /// Reuses the memory of the collecting buffer. Call this after the output has been flushed, when
  /// the buffer is probably free.
  mutating func reclaim() {
    if gathered.readableBytes == 0 { gathered.clear() }
  }

  private mutating func retireGathered() {
    guard gathered.readableBytes > 0 else { return }
    ready.append(gathered)
    readyBytes += gathered.readableBytes
    gathered = ByteBuffer()
  }
}
