package import ChunkStore
package import JSONText
package import NBDProtocol
package import NBDServer
package import Workers

/// Where clients reach a server that has started.
package struct ServerAnnouncement: Sendable {
  package struct Address: Sendable {
    /// As a person would write it.
    package let text: String
    package let uri: ExportURI
  }

  package let addresses: [Address]
  private let repository: String
  private let process: Int32
  private let exportName: String

  /// - Parameter exportName: of the export that the URIs lead to. With the id: whoever writes a URI down keeps
  ///   this revision, whatever `latest` is then.
  package init(
    of server: NBDServer, exportName: String, tls: TLSPolicy, repository: Repository,
    context: WorkContext
  ) {
    let users = server.tlsUsers
    addresses = server.listeningAddresses.map { address in
      Address(
        text: "\(address)",
        uri: ExportURI(
          address: address, exportName: exportName, tls: tls,
          user: users.count == 1 ? users[0] : nil))
    }
    self.repository = repository.absoluteRoot
    process = context.host.process
    self.exportName = exportName
  }

  /// The document `server`.
  package var json: JSON {
    .object([
      "repository": .string(repository),
      "process": .integer(Int64(process)),
      "exportName": .string(exportName),
      "addresses": .array(
        addresses.map {
          .object(["address": .string($0.text), "uri": .string($0.uri.description)])
        }),
    ])
  }
}
