package import JSONText
package import NBDServer

/// Asks the servers of a user what they are doing, and for whom.
package struct ClientListRequest: Sendable {
  /// Where a server tells what it is doing.
  package struct Socket: Sendable {
    package let process: Int32
    package let path: String

    package init(process: Int32, path: String) {
      (self.process, self.path) = (process, path)
    }
  }

  package let sockets: [Socket]

  package init(sockets: [Socket]) { self.sockets = sockets }

  /// A server that has died is left out, and its socket removed. Blocks.
  package func run() -> ClientListOutcome {
    var servers: [JSON] = []
    var silent: [(process: Int32, error: ServerError)] = []
    for socket in sockets {
      do throws(ServerError) {
        guard let bytes = try StatusSocket.read(at: socket.path) else { continue }
        // One that is just stopping may say nothing.
        JSON(parsing: String(decoding: bytes, as: UTF8.self)).map { servers.append($0) }
      } catch {
        silent.append((socket.process, error))
      }
    }
    return ClientListOutcome(servers: servers, silent: silent)
  }
}

package struct ClientListOutcome: Sendable {
  /// What each server says of itself: ``ServerStatus/json``.
  package let servers: [JSON]
  /// Servers that run and do not answer.
  package let silent: [(process: Int32, error: ServerError)]

  /// The document `clients`.
  package var json: JSON { .array(servers) }
}
