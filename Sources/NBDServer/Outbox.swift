import NIOCore

/// Replies on their way to the socket, in order.
///
/// Headers and small data are gathered in one buffer, which a single write sends. Large data is
/// handed over as it is; the gathered buffer is then retired first, because writing to a buffer
/// of which a slice is still held copies all of it.
struct Outbox {
  /// Data up to this size is cheaper to copy than to send as a vector of its own.
  private static let copyLimitBytes = 8 << 10
  /// A gathered buffer past this size is retired.
  private static let gatherLimitBytes = 256 << 10
  /// Holes of simple replies are sent out of this, over and over.
  private static let zeros = ByteBuffer(repeating: 0, count: 256 << 10)

  private var ready: [ByteBuffer] = []
  private var gathered = ByteBuffer()
  private var readyBytes = 0

  /// What was put in since the last ``drain(_:)``.
  var pendingBytes: Int { readyBytes + gathered.readableBytes }

  /// Appends what `write` writes: headers and whole small replies.
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

  /// Hands over everything. The gathered buffer is kept and used again, unless someone still
  /// holds it by the next time.
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

  /// To be called after what was drained has been flushed, when its buffer is likely to be free.
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
