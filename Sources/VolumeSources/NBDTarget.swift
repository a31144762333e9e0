import CNBD
import Synchronization

/// An export of an NBD server, through libnbd.
final class NBDTarget: RestoreTarget {
  let name: String
  let isSeekable = true
  let canBeReadBack = true

  private static let schemes = ["nbd", "nbds"].flatMap { scheme in
    ["://", "+unix://", "+vsock://"].map { scheme + $0 }
  }

  /// nil once abandoned.
  private let connection: Mutex<NBDConnection?>
  private let volumeSizeBytes = Mutex<UInt64?>(nil)

  /// Whether an argument is an NBD URI (nbd_connect_uri(3)).
  static func understands(_ argument: String) -> Bool {
    schemes.contains { argument.hasPrefix($0) }
  }

  /// Connects.
  init(uri: String) throws(RestoreTargetError) {
    name = uri
    connection = Mutex(try NBDConnection(uri: uri))
  }

  func prepare(sizeBytes: UInt64) throws(RestoreTargetError) {
    try use { connection throws(RestoreTargetError) in
      if connection.isReadOnly { throw .readOnly(name) }
      guard connection.sizeBytes >= sizeBytes else {
        throw .tooSmall(name, sizeBytes: connection.sizeBytes, neededBytes: sizeBytes)
      }
    }
    volumeSizeBytes.withLock { $0 = sizeBytes }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(bytes.count))
    try use { connection throws(RestoreTargetError) in
      try connection.write(bytes, at: offsetBytes)
    }
  }

  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError) {
    try requireInside(offsetBytes, lengthBytes)
    try use { connection throws(RestoreTargetError) in
      try connection.writeZeros(at: offsetBytes, lengthBytes: lengthBytes)
    }
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(buffer.count))
    try use { connection throws(RestoreTargetError) in
      try connection.read(into: buffer, at: offsetBytes)
    }
  }

  func finish() throws(RestoreTargetError) {
    try requireInside(0, 0)
    try use { connection throws(RestoreTargetError) in try connection.flush() }
  }

  func abandon() {
    connection.withLock { $0 = nil }
  }

  private func use(
    _ body: (inout NBDConnection) throws(RestoreTargetError) -> Void
  ) throws(RestoreTargetError) {
    try connection.withLock { connection throws(RestoreTargetError) in
      guard var open = connection.take() else { throw .notPrepared(name) }
      do throws(RestoreTargetError) {
        try body(&open)
        connection = consume open
      } catch {
        connection = consume open
        throw error
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
