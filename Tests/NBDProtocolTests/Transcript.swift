import NBDProtocol
import NIOCore
import Testing

/// A client and a server in one process. Records the client's bytes and the server's actions.
///
/// Questions to the catalogue are answered at once from ``exports`` and ``ownContexts``. Work stays
/// in ``work`` until a test finishes it.
final class Transcript {
  enum End: Equatable {
    case finished
    case abandoned(String)
  }

  static let disk = ExportProperties(
    name: "3f2a/vda", description: "web01, yesterday, 1 MiB", sizeBytes: 1 << 20)

  static let writable = ExportProperties(
    name: "scratch", description: "", sizeBytes: 1 << 30, isWritable: true)

  var connection: ServerConnection
  var exports: [String: ExportProperties] = ["disk": disk, "": disk]
  /// The contexts of the exports besides `base:allocation`.
  var ownContexts: [String] = []
  /// The queries of each question about an export.
  private(set) var queries: [[String]] = []
  /// How often the server asked for TLS.
  private(set) var tlsCount = 0
  var catalogFailure: String?
  var work: [Work] = []
  var hasBegun = false
  var end: End?
  private var replies: [UInt8] = []

  init(
    limits: HandshakeLimits = HandshakeLimits(), windowCount: Int = 64,
    windowBytes: Int = 16 << 20, tls: TLSPolicy = .off
  ) {
    connection = ServerConnection(
      limits: limits, window: RequestWindow(limitCount: windowCount, limitBytes: windowBytes),
      tls: tls)
    replies = Array(connection.start().readableBytesView)
  }

  /// Returns a connection that has sent the flags of every modern client.
  static func greeted(
    limits: HandshakeLimits = HandshakeLimits(), clientFlags: [UInt8] = [0, 0, 0, 3],
    windowCount: Int = 64, windowBytes: Int = 16 << 20, tls: TLSPolicy = .off
  ) -> Transcript {
    let transcript = Transcript(
      limits: limits, windowCount: windowCount, windowBytes: windowBytes, tls: tls)
    _ = transcript.takeReplies()
    transcript.send(clientFlags)
    return transcript
  }

  func send(_ bytes: [UInt8]) {
    connection.receive(ByteBuffer(bytes: bytes))
    run()
  }

  func send(_ bytes: [UInt8], inSlicesOf sliceBytes: Int) {
    for start in stride(from: 0, to: bytes.count, by: sliceBytes) {
      send(Array(bytes[start..<min(start + sliceBytes, bytes.count)]))
    }
  }

  func run() {
    while end == nil {
      switch connection.next() {
      case .wait: return
      case .send(let bytes): replies += Array(bytes.readableBytesView)
      case .listExports: answerList()
      case .openExport(let name, let queries, _): answerOpen(name, queries)
      case .startTLS: tlsCount += 1
      case .begin: hasBegun = true
      case .perform(let work): self.work.append(work)
      case .finish: end = .finished
      case .abandon(let reason): end = .abandoned(reason)
      }
    }
  }

  private func answerList() {
    if let catalogFailure { return connection.answer(.failed(catalogFailure)) }
    connection.answer(
      .exports(
        exports.filter { !$0.key.isEmpty }.sorted { $0.key < $1.key }.map {
          ExportSummary(name: $0.key, description: $0.value.description)
        }))
  }

  private func answerOpen(_ name: String, _ queries: [String]) {
    if let catalogFailure { return connection.answer(.failed(catalogFailure)) }
    guard let export = exports[name] else { return connection.answer(.noSuchExport) }
    if !queries.isEmpty { self.queries.append(queries) }
    let matches = ownContexts.filter { queries.contains($0) || queries.contains("varve:") }
    connection.answer(.opened(export, contexts: matches))
  }

  /// Reports that the TLS handshake is done, as a driver does.
  func establishTLS() {
    connection.tlsEstablished()
    run()
  }

  /// Returns everything that the server has sent since the last call.
  func takeReplies() -> [UInt8] {
    defer { replies = [] }
    return replies
  }

  /// Finishes a piece of work.
  /// - Returns: whether the reply may be marked as done.
  func finish(_ index: Int) -> Bool { complete(index).isLast }

  func complete(_ index: Int, failure: Refusal? = nil) -> Completion {
    let completion = connection.finished(work.remove(at: index), failure: failure)
    run()
    return completion
  }

  var wantsInput: Bool { connection.wantsInput }
  var isWaitingForOptions: Bool { connection.isWaitingForOptions }
  var inFlightBytes: Int { connection.inFlightBytes }
  var style: ReplyStyle { connection.style }

  var isAbandoned: Bool {
    if case .abandoned = end { true } else { false }
  }
}

/// The type of an option reply, and the option that it answers.
struct OptionVerdict: Equatable {
  var option: UInt32
  var type: UInt32

  /// Decodes all option replies in the bytes. Nil if the bytes contain anything else.
  static func all(in bytes: [UInt8]) -> [OptionVerdict]? {
    var buffer = ByteBuffer(bytes: bytes)
    var verdicts: [OptionVerdict] = []
    while buffer.readableBytes > 0 {
      guard
        let (magic, option, type, length) = buffer.readMultipleIntegers(
          as: (UInt64, UInt32, UInt32, UInt32).self),
        magic == 0x3_e889_0455_65a9, buffer.readSlice(length: Int(length)) != nil
      else { return nil }
      verdicts.append(OptionVerdict(option: option, type: type))
    }
    return verdicts
  }
}

/// The error types of option replies.
enum OptionError {
  static let unsupported: UInt32 = 0x8000_0001
  static let policy: UInt32 = 0x8000_0002
  static let tlsRequired: UInt32 = 0x8000_0005
  static let invalid: UInt32 = 0x8000_0003
  static let platform: UInt32 = 0x8000_0004
  static let unknown: UInt32 = 0x8000_0006
  static let shutdown: UInt32 = 0x8000_0007
  static let tooBig: UInt32 = 0x8000_0009
  static let extendedHeadersRequired: UInt32 = 0x8000_000a
}
