package import NBDProtocol
package import NBDServer

/// The URI by which a client reaches an export (doc/uri.md of the NBD project).
package struct ExportURI: CustomStringConvertible, Sendable {
  private let address: NBDServer.ListeningAddress
  /// Empty: the default export, or whatever the client names.
  private let exportName: String
  private let tls: TLSPolicy
  /// Whose pre-shared key a client uses; nil where it does not say one.
  private let user: String?

  package init(
    address: NBDServer.ListeningAddress, exportName: String, tls: TLSPolicy, user: String? = nil
  ) {
    self.address = address
    self.exportName = exportName
    self.tls = tls
    self.user = user
  }

  /// Of the default export on a Unix socket, without TLS.
  package init(socket: String) {
    self.init(address: .unix(path: socket), exportName: "", tls: .off)
  }

  package var description: String {
    let isEncrypted = tls == .require
    let name = PercentEncoding.encode(exportName)
    let login = isEncrypted ? user.map { PercentEncoding.encode($0) + "@" } ?? "" : ""
    switch address {
    case .tcp(let host, let port):
      let suffix = port == ListenAddress.defaultPort ? "" : ":\(port)"
      return "\(isEncrypted ? "nbds" : "nbd")://\(login)\(Self.reachable(host))\(suffix)/\(name)"
    case .unix(let path):
      let scheme = isEncrypted ? "nbds+unix" : "nbd+unix"
      return "\(scheme)://\(login)/\(name)?socket=\(PercentEncoding.encode(path))"
    }
  }

  /// Where every address is listened on, this machine's own is among them.
  private static func reachable(_ host: String) -> String {
    if host == "0.0.0.0" || host == "::" { return "localhost" }
    return host.contains(":") ? "[\(host)]" : host
  }
}
