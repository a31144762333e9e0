import FileIO
import Synchronization
import VolumeSources

/// An export of an NBD server, through libnbd.
///
/// Zeros use no space if the server supports this:
///
/// 1. A range is not changed if the server reports that it reads as zeros (`base:allocation`).
/// 2. Otherwise the server zeroes the range, if it can do this faster than by writing
///    (NBD_CMD_FLAG_FAST_ZERO).
/// 3. Otherwise the range is trimmed, if the server supports this. Once everything is written, the
///    range is read. The server zeroes the parts that are not zero, or zeros are written to them.
final class NBDTarget: RestoreTarget {
  let name: String
  let isSeekable = true
  let canBeReadBack = true

  private static let schemes = ["nbd", "nbds"].flatMap { scheme in
    ["://", "+unix://", "+vsock://"].map { scheme + $0 }
  }

  /// The connection; nil after ``abandon()``.
  private let connection: Mutex<NBDConnection?>
  private let volumeSizeBytes = Mutex<UInt64?>(nil)
  private let unchecked = Mutex(UncheckedZeros())

  /// Whether an argument is an NBD URI (nbd_connect_uri(3)).
  static func understands(_ argument: String) -> Bool {
    schemes.contains { argument.hasPrefix($0) }
  }

  /// Connects to the server.
  init(
    uri: String, patienceSeconds: Int = StorageProcess.patienceSeconds
  ) throws(RestoreTargetError) {
    name = uri
    do {
      connection = Mutex(try NBDConnection(uri: uri, patienceSeconds: patienceSeconds))
    } catch {
      throw .failed(uri, error)
    }
  }

  func prepare(sizeBytes: UInt64) throws(RestoreTargetError) {
    var (isReadOnly, exportBytes) = (false, UInt64(0))
    try use { connection in
      (isReadOnly, exportBytes) = (connection.isReadOnly, connection.sizeBytes)
    }
    if isReadOnly { throw .readOnly(name) }
    guard exportBytes >= sizeBytes else {
      throw .tooSmall(name, sizeBytes: exportBytes, neededBytes: sizeBytes)
    }
    volumeSizeBytes.withLock { $0 = sizeBytes }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(bytes.count))
    unchecked.withLock { $0.remove(offsetBytes..<offsetBytes + UInt64(bytes.count)) }
    try use { connection throws(NBDConnectionError) in
      try connection.write(bytes, at: offsetBytes)
    }
  }

  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError) {
    try requireInside(offsetBytes, lengthBytes)
    try use { connection throws(NBDConnectionError) in
      for range in try connection.makeZeros(offsetBytes..<offsetBytes + lengthBytes) {
        unchecked.withLock { $0.add(range) }
      }
    }
    if unchecked.withLock({ $0.isFull }) { _ = try settle(limitBytes: .max, keepsLast: true) }
  }

  var unsettledZeroBytes: UInt64 { unchecked.withLock { $0.lengthBytes } }

  func settleZeros(limitBytes: UInt64) throws(RestoreTargetError) -> UInt64 {
    try settle(limitBytes: limitBytes, keepsLast: false)
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(buffer.count))
    try use { connection throws(NBDConnectionError) in
      try connection.read(into: buffer, at: offsetBytes)
    }
  }

  func finish() throws(RestoreTargetError) {
    try requireInside(0, 0)
    _ = try settleZeros(limitBytes: .max)
    try use { connection throws(NBDConnectionError) in try connection.flush() }
  }

  /// Never waits. If another thread is using the connection, the connection stays open until the
  /// process ends.
  func abandon() {
    connection.withLockIfAvailable { $0 = nil }
  }

  /// Checks ranges that must be zero, and zeroes the parts that are not. Returns the number of
  /// bytes that were checked.
  private func settle(
    limitBytes: UInt64, keepsLast: Bool
  ) throws(RestoreTargetError) -> UInt64 {
    var done: UInt64 = 0
    try use { connection throws(NBDConnectionError) in
      for range in try connection.takeRefusedZeros() { unchecked.withLock { $0.add(range) } }
      // The next reads must return the content of the server's storage after all writes.
      if unchecked.withLock({ $0.beginChecking(keepsLast: keepsLast) }) { try connection.flush() }
      while done < limitBytes,
        let range = unchecked.withLock({ $0.takeNext(limitBytes: limitBytes - done) })
      {
        try connection.zeroWhatIsNot(range)
        done += UInt64(range.count)
      }
    }
    return done
  }

  private func use(
    _ body: (inout NBDConnection) throws(NBDConnectionError) -> Void
  ) throws(RestoreTargetError) {
    try connection.withLock { connection throws(RestoreTargetError) in
      guard var open = connection.take() else { throw .notPrepared(name) }
      do throws(NBDConnectionError) {
        try body(&open)
        connection = consume open
      } catch {
        connection = consume open
        throw .failed(name, error)
      }
    }
  }

  private func requireInside(
    _ offsetBytes: UInt64, _ lengthBytes: UInt64
  ) throws(RestoreTargetError) {
    guard let sizeBytes = volumeSizeBytes.withLock({ $0 }) else { throw .notPrepared(name) }
    guard offsetBytes <= sizeBytes, lengthBytes <= sizeBytes - offsetBytes else {
      throw .outOfBounds(name, at: offsetBytes, sizeBytes: sizeBytes)
    }
  }
}

extension RestoreTargetError {
  /// The error of a target for an error of its connection.
  ///
  /// - Parameter target: the URI.
  fileprivate static func failed(_ target: String, _ error: NBDConnectionError) -> Self {
    switch error.operation {
    case .connect: .cannotConnect(target, error.reason)
    case .read(let offsetBytes): .readFailed(target, at: offsetBytes, error.reason)
    case .write(let offsetBytes):
      .writeFailed(target, at: offsetBytes, error.reason, errno: error.errno)
    case .flush: .synchronizeFailed(target, error.reason, errno: error.errno)
    }
  }
}
