import NBDProtocol
import NIOCore

/// Does what a ``ServerConnection`` says, and stops the process when it says what it must not.
struct Driver: ~Copyable {
  /// What one byte of input may at most cause in replies, and what comes on top.
  private static let replyBytesPerByte = 400
  private static let replyBytesBesides = 8 << 10

  private let settings: Settings
  private let sliceBytes: Int
  private var order: Int
  private let window: RequestWindow
  private var connection: ServerConnection
  private var work: [Work] = []
  private var hasEnded = false
  private var isTLSLate = false
  private var replyBytes = 0
  private var receivedBytes = 0

  init(_ settings: Settings, sliceBytes: Int, order: Int) {
    self.settings = settings
    self.sliceBytes = sliceBytes
    self.order = order
    window =
      settings.contains(.hasNarrowWindow)
      ? RequestWindow(limitCount: 2, limitBytes: 5000)
      : RequestWindow(limitCount: 64, limitBytes: 16 << 20)
    let tls: TLSPolicy =
      settings.contains(.requiresTLS) ? .require : settings.contains(.offersTLS) ? .on : .off
    connection = ServerConnection(limits: HandshakeLimits(), window: window, tls: tls)
  }

  mutating func run(_ stream: [UInt8]) {
    _ = connection.start()
    var stream = stream
    if settings.contains(.isInTransmission) { stream = handshake() + stream }
    // Of a long stream not every byte comes alone.
    let sliceBytes = max(sliceBytes, stream.count / 1000)
    var position = 0
    while position < stream.count, !hasEnded {
      let end = min(position + sliceBytes, stream.count)
      send(stream[position..<end])
      if settings.contains(.shutsDown), position > stream.count / 2 { connection.shutDown() }
      position = end
    }
    connection.inputClosed()
    takeActions()
    while !hasEnded, !work.isEmpty { finishOne() }
    // The client may go on with the TLS handshake of a connection that has ended.
    if isTLSLate { connection.tlsEstablished() }
    precondition(hasEnded, "the connection outlives its input and its work")
  }

  private func handshake() -> [UInt8] {
    var bytes = ByteBuffer(integer: UInt32(3))
    if settings.contains(.hasStructuredReplies) { bytes.writeOption(.structuredReply) }
    if settings.contains(.hasExtendedHeaders) { bytes.writeOption(.extendedHeaders) }
    let names = ["base:allocation"] + Script.ownContexts
    bytes.writeOption(.setMetaContext, Script.selection(of: names, by: .max))
    var choice = ByteBuffer(integer: UInt32(0))
    choice.writeInteger(UInt16(0))
    bytes.writeOption(.go, choice)
    return Array(bytes.readableBytesView)
  }

  private mutating func send(_ bytes: ArraySlice<UInt8>) {
    connection.receive(ByteBuffer(bytes: bytes))
    receivedBytes += bytes.count
    takeActions()
    // A driver does not read on while the machine does not want that.
    while !hasEnded, !work.isEmpty, !connection.wantsInput { finishOne() }
    if !work.isEmpty, order.isMultiple(of: 3) { finishOne() }
  }

  private mutating func finishOne() {
    order = (order &* 1_103_515_245 &+ 12345) & 0x7fff_ffff
    let piece = work.remove(at: order % work.count)
    let failure = order.isMultiple(of: 5) ? Refusal(.inputOutput, "made up") : nil
    _ = connection.finished(piece, failure: failure)
    takeActions()
  }

  private mutating func takeActions() {
    while !hasEnded {
      switch connection.next() {
      case .wait: return check()
      case .send(let bytes): replyBytes += bytes.readableBytes
      case .listExports:
        connection.answer(.exports([ExportSummary(name: "disk", description: "made up")]))
      case .openExport(let name, let queries, _): answer(name, queries)
      case .startTLS:
        if order.isMultiple(of: 2) { connection.tlsEstablished() } else { isTLSLate = true }
      case .begin: break
      case .perform(let piece): take(piece)
      case .finish, .abandon: hasEnded = true
      }
    }
  }

  private mutating func answer(_ name: String, _ queries: [String]) {
    precondition(queries.count <= MetaContext.queryLimit, "too many queries")
    precondition(queries.allSatisfy { $0.hasPrefix(MetaContext.ownNamespace) }, "foreign queries")
    guard name.isEmpty || name == "disk" else { return connection.answer(.noSuchExport) }
    let export = ExportProperties(
      name: "disk", description: "made up", sizeBytes: Script.sizeBytes,
      isWritable: settings.contains(.isWritable))
    connection.answer(.opened(export, contexts: Script.ownContexts.filter(queries.contains)))
  }

  private mutating func take(_ piece: Work) {
    precondition(piece.range.upperBound <= Script.sizeBytes, "work past the end")
    let isChange = [.write, .trim, .writeZeroes].contains(piece.request.command)
    precondition(!isChange || settings.contains(.isWritable), "a read-only export is written")
    precondition((piece.request.command == .write) == (piece.payload != nil), "no payload")
    if let payload = piece.payload {
      precondition(UInt64(payload.readableBytes) == piece.lengthBytes, "a payload of another size")
      precondition(piece.lengthBytes <= ServerConnection.pieceBytes, "a payload held whole")
    }
    precondition(
      (piece.request.command == .blockStatus) == !piece.contexts.isEmpty, "status of nothing")
    work.append(piece)
  }

  private func check() {
    precondition(
      connection.inFlightCount <= 1 || connection.inFlightBytes <= window.limitBytes,
      "more in flight than the window lets in")
    precondition(connection.inFlightCount <= window.limitCount, "more pieces than the window")
    precondition(
      replyBytes <= receivedBytes * Self.replyBytesPerByte + Self.replyBytesBesides,
      "replies out of proportion")
  }
}
