import Administration
import CalendarTime
import ChunkFormat
import ChunkStore
import Exports
import Glibc
import JSONText
import NBDProtocol
import NBDServer
import VolumeReader

/// What a server tells about itself and its clients, as `varve clients --json` prints it.
struct ServerStatus: Sendable {
  /// The share of requests that were answered within the time that is told.
  private static let quantile = 0.99

  let server: NBDServer
  let catalog: RevisionCatalog
  let repository: String
  let configuration: ServerConfiguration
  let started = Timestamp.now()

  func document() -> JSON {
    let statistics = catalog.statistics
    return .object([
      "process": .integer(Int64(getpid())),
      "version": .string(Varve.version),
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
      "clients": .array(server.connections.map(Self.client)),
    ])
  }

  private static func client(_ record: ConnectionRecord) -> JSON {
    let activity = record.activity
    let since = Timestamp.now() - record.age
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
        "meanSeconds": number(activity.latency.mean),
        "p99Seconds": number(activity.latency.quantile(quantile)),
      ]),
    ])
  }

  private static func number(_ value: Double?) -> JSON { value.map(JSON.number) ?? .null }
}

extension ConnectionRecord {
  fileprivate var age: Duration { ContinuousClock.now - since }
}
