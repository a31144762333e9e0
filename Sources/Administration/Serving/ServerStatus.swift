import CalendarTime
package import ChunkStore
package import JSONText
package import NBDProtocol
package import NBDServer
import SystemPackage
import VolumeReader
package import Workers

/// What a server tells about itself and its clients.
package struct ServerStatus: Sendable {
  /// The share of requests that were answered within the time that is told.
  private static let quantile = 0.99

  private let server: NBDServer
  private let exports: OfferedExports
  private let configuration: ServerConfiguration
  private let repository: String
  private let version: String
  private let context: WorkContext
  private let started: Timestamp

  /// - Parameter version: of the program that serves.
  package init(
    of server: NBDServer, offering exports: OfferedExports, configuration: ServerConfiguration,
    repository: Repository, version: String, context: WorkContext
  ) {
    (self.server, self.exports, self.configuration) = (server, exports, configuration)
    self.repository = repository.root.string
    (self.version, self.context, started) = (version, context, context.now())
  }

  /// An element of the document `clients`, as of now.
  package var json: JSON {
    let statistics = exports.statistics
    return .object([
      "process": .integer(Int64(context.host.process)),
      "version": .string(version),
      "repository": .string(repository),
      "since": .string(started.rfc3339),
      "addresses": .strings(server.listeningAddresses.map(\.description)),
      "tls": .string((configuration.tls?.policy ?? .off).name),
      "clientLimit": .integer(Int64(configuration.connectionLimit)),
      "cache": .object([
        "limitBytes": .integer(Int64(statistics.cacheLimitBytes)),
        "usedBytes": .integer(Int64(statistics.cachedBytes)),
        "hits": .unsigned(statistics.hitCount),
        "misses": .unsigned(statistics.missCount),
        "readAhead": .unsigned(statistics.readAheadCount),
      ]),
      "packReads": .object([
        "count": .unsigned(statistics.packReadCount),
        "bytes": .unsigned(statistics.packReadBytes),
      ]),
      "replyMemory": .object([
        "limitBytes": .integer(Int64(configuration.replyMemoryBytes)),
        "pooledBytes": .integer(Int64(server.pooledReplyBytes)),
      ]),
      "clients": .array(server.connections.map(client)),
    ])
  }

  private func client(_ record: ConnectionRecord) -> JSON {
    let activity = record.activity
    let since = context.now() - record.age
    return .object([
      "number": .unsigned(record.number),
      "address": .string(record.address),
      "encrypted": .bool(activity.isEncrypted),
      "name": .optional(activity.tlsName),
      "export": .optional(activity.export),
      "since": .string(since.rfc3339),
      "readBytes": .unsigned(activity.readBytes),
      "writtenBytes": .unsigned(activity.writtenBytes),
      "sentBytes": .unsigned(activity.sentBytes),
      "requests": .unsigned(activity.requestCount),
      "inFlight": .unsigned(activity.inFlightCount),
      "latency": .object([
        "meanSeconds": Self.number(activity.latency.mean),
        "p99Seconds": Self.number(activity.latency.quantile(Self.quantile)),
      ]),
    ])
  }

  private static func number(_ value: Double?) -> JSON { value.map(JSON.number) ?? .null }
}

extension ConnectionRecord {
  fileprivate var age: Duration { ContinuousClock.now - since }
}

extension TLSPolicy {
  /// As documents and options call it.
  package var name: String {
    switch self {
    case .off: "off"
    case .on: "on"
    case .require: "require"
    }
  }
}
