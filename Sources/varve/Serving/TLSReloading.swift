import NBDServer
import Synchronization

/// Has a server read its certificates and keys again; before there is a server, nothing.
final class TLSReloading: Sendable {
  private let server = Mutex<NBDServer?>(nil)

  func begin(with server: NBDServer) { self.server.withLock { $0 = server } }

  func reload() {
    guard let server = server.withLock({ $0 }), server.usesTLS else { return }
    do {
      try server.reloadTLS()
      for warning in server.tlsWarnings { Console.shared.warning(warning) }
      Console.shared.message("reloaded certificates and keys")
    } catch {
      Console.shared.warning(
        "certificates and keys not reloaded, the old ones stay in use: \(error.textWithRemedies)")
    }
  }
}
