import CNBD
import NBDServer

/// A client that uses Debian's libnbd, which uses GnuTLS.
final class EncryptedClient {
  enum Credentials {
    case certificates(directory: String)
    case key(user: String, file: String)
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let handle: OpaquePointer

  /// Connects to the export `disk`, or throws.
  init(_ credentials: Credentials, _ address: NBDServer.ListeningAddress) throws {
    guard let handle = nbd_create() else { throw Failure(description: "no handle") }
    self.handle = handle
    nbd_set_tls(handle, Int32(LIBNBD_TLS_REQUIRE))
    nbd_set_export_name(handle, "disk")
    switch credentials {
    case .certificates(let directory): nbd_set_tls_certificates(handle, directory)
    case .key(let user, let file):
      nbd_set_tls_username(handle, user)
      nbd_set_tls_psk_file(handle, file)
    }
    let status =
      switch address {
      case .tcp(let host, let port): nbd_connect_tcp(handle, host, "\(port)")
      case .unix(let path): nbd_connect_unix(handle, path)
      }
    guard status == 0 else { throw Self.failure() }
  }

  deinit { nbd_close(handle) }

  func read(at offset: UInt64, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard nbd_pread(handle, &bytes, count, offset, 0) == 0 else { throw Self.failure() }
    return bytes
  }

  /// Sends many reads without taking their replies, until the handle is closed.
  func ask(count: Int, bytes: Int) throws {
    for _ in 0..<count {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
      let none = nbd_completion_callback(callback: nil, user_data: nil, free: nil)
      guard nbd_aio_pread(handle, memory, bytes, 0, none, 0) > 0 else { throw Self.failure() }
    }
  }

  /// Disconnects in good order and waits for the end.
  func shutDown() throws {
    guard nbd_shutdown(handle, 0) == 0 else { throw Self.failure() }
  }

  private static func failure() -> Failure {
    Failure(description: nbd_get_error().map { String(cString: $0) } ?? "unknown")
  }
}
