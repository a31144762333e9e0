package import NIOCore

/// The server's side of one NBD connection as a value type: it takes bytes and returns actions.
///
/// It owns no socket, no timer and no export. The driver passes in the received bytes, calls
/// ``next()`` until the result is ``Action/wait``, and carries out each action:
///
/// ```
/// start() → greeting
/// receive(bytes) ┐
/// answer(…)      ├→ next() → .send, .listExports, .openExport, .begin, .perform, .finish, …
/// finished(work) ┘
/// ```
///
/// Its memory is bounded: the data of one option, or the requests of its ``RequestWindow`` with
/// their payloads. While ``wantsInput`` is false, the driver must not read from the socket.
package struct ServerConnection: ~Copyable {
  /// An action for the driver.
  package enum Action {
    /// Do nothing until bytes arrive, a question is answered or work is finished.
    case wait
    /// Send these bytes, after all bytes of earlier actions.
    case send(ByteBuffer)
    /// Ask the catalogue for all exports, then call ``answer(_:)``.
    case listExports
    /// Ask the catalogue for this export, and ask the export which of its contexts match the
    /// queries. Then call ``answer(_:)``. If the client enters the export by this name, it may ask
    /// about the contexts of the last selection.
    case openExport(name: String, queries: [String], isSelection: Bool)
    /// Close every export, start TLS, and call ``tlsEstablished()`` when the TLS handshake is done.
    /// First send all bytes of earlier actions, without encryption.
    case startTLS
    /// Begin the transmission phase, on the export that was opened last.
    case begin
    /// Carry out this work, send its reply, then call ``finished(_:)``.
    case perform(Work)
    /// Nothing is left to answer: send what is still buffered and close.
    case finish
    /// The client violated the protocol or exceeded a limit: close at once.
    case abandon(reason: String)
  }

  /// An answer of the catalogue.
  package enum Answer {
    case exports([ExportSummary])
    /// Holds the names of the export's own contexts that match the queries, without duplicates.
    case opened(ExportProperties, contexts: [String] = [])
    case noSuchExport
    case failed(String)
  }

  enum Phase {
    case clientFlags
    case option
    case optionData(OptionHeader)
    /// STARTTLS was acknowledged.
    case startingTLS
    /// The driver performs the TLS handshake.
    case establishingTLS
    case catalogue(Question)
    case entering(ExportProperties, name: String)
    case transmission(RequestGate)
    /// The connection reads nothing more and finishes the work in flight.
    case draining
    case closed
  }

  /// A question that the catalogue has not answered yet, with its option.
  enum Question {
    case list
    case exportName(String)
    case export(ExportChoice, OptionCode)
    case contexts(ContextQueries, OptionCode)
  }

  /// Bytes to discard, and the reply to send after them.
  struct Skip {
    var remainingBytes: UInt64
    var then: Sequel

    enum Sequel {
      case refuseOption(OptionCode, OptionReply, String)
      case refuseRequest(Request, Refusal)
    }
  }

  /// A request of the transmission phase that is not completely handled yet.
  enum Pending {
    case nothing
    /// Work that waits for room in the window.
    case work(Work)
    /// A long read of which some pieces are not handed out yet.
    case read(PieceCutter)
    /// A write with an incomplete payload. `isAdmitted`: the window has room for its next piece.
    case write(PieceCutter, isAdmitted: Bool)
    /// A status request whose payload has not arrived yet.
    case status(Request)

    var isNothing: Bool {
      if case .nothing = self { true } else { false }
    }
  }

  /// Longer reads and writes are split into pieces of this size, in bytes. Reads are split only if
  /// the reply format allows it.
  package static let pieceBytes: UInt64 = 1 << 20
  /// The window counts the status of one context as this many bytes, because its size is not known
  /// beforehand.
  static let statusCostBytes = 1 << 20

  var phase = Phase.clientFlags
  var input = ByteBuffer()
  var output = ByteBuffer()
  var skip: Skip?

  var clientFlags: ClientFlags = []
  package internal(set) var style = ReplyStyle.simple
  var selection: (exportName: String, contexts: [MetaContext])?
  /// The metadata contexts that BLOCK_STATUS answers. Set before ``Action/begin``.
  package internal(set) var contexts: [MetaContext] = []
  var budget: HandshakeBudget
  let limits: HandshakeLimits
  let tls: TLSPolicy
  var isSecure = false

  var window: RequestWindow
  var pending = Pending.nothing
  /// The bytes received so far of the current piece of a write.
  var payload = ByteBuffer()
  var splitDebts: [UInt32: SplitDebt] = [:]
  var splitCount: UInt32 = 0

  private var isInputClosed = false
  /// Whether the client has ended the session with NBD_CMD_DISC.
  package internal(set) var hasDisconnected = false
  var isShuttingDown = false
  /// While this is true, the connection reads no new requests.
  var isHoldingRequests = false

  package init(limits: HandshakeLimits, window: RequestWindow, tls: TLSPolicy = .off) {
    self.limits = limits
    self.tls = tls
    self.window = window
    budget = HandshakeBudget(limits)
  }

  /// Returns the greeting. Call this once, before everything else.
  package mutating func start() -> ByteBuffer {
    var greeting = ByteBuffer()
    greeting.writeGreeting()
    return greeting
  }

  /// Takes bytes from the client, in the order of their arrival.
  package mutating func receive(_ bytes: consuming ByteBuffer) {
    if input.readableBytes == 0 {
      input = bytes
    } else {
      input.discardReadBytes()
      input.writeImmutableBuffer(bytes)
    }
    skipInput()
  }

  /// Notes that the client sends nothing more. It may still read.
  package mutating func inputClosed() { isInputClosed = true }

  /// Finishes what is in flight, then ends the connection. New options are refused. New requests
  /// stay unread: a client that reconnects sends unanswered requests again, but takes a refusal for
  /// a disk error.
  package mutating func shutDown() {
    isShuttingDown = true
    isHoldingRequests = true
  }

  /// Refuses new requests from now on. Call this some time after ``shutDown()``, when the work in
  /// flight takes long: clients should not wait forever.
  package mutating func refuseRequests() { isHoldingRequests = false }

  /// Whether the connection can use more bytes from the socket now.
  package var wantsInput: Bool {
    guard !isInputClosed else { return false }
    return switch phase {
    case .clientFlags, .option, .optionData, .establishingTLS: true
    case .transmission: wantsRequests
    case .startingTLS, .catalogue, .entering, .draining, .closed: false
    }
  }

  /// Whether the client still has to choose an export. The time for that is limited.
  package var isWaitingForOptions: Bool {
    switch phase {
    case .clientFlags, .option, .optionData, .startingTLS, .establishingTLS: true
    case .catalogue, .entering, .transmission, .draining, .closed: false
    }
  }

  /// The number of options that the client has begun to send.
  package var optionCount: Int { budget.options }

  /// The number of pieces of work in flight.
  package var inFlightCount: Int { window.count }
  /// The bytes of replies and payloads in flight.
  package var inFlightBytes: Int { window.bytes }

  /// Returns the next action. Call this until the result is ``Action/wait``.
  package mutating func next() -> Action {
    while output.readableBytes == 0 {
      switch step() {
      case .again: continue
      case .act(let action): return action
      case .starved: return settle()
      }
    }
    defer { output = ByteBuffer() }
    return .send(output)
  }

  enum Step {
    /// The step did something; call again.
    case again
    case act(Action)
    /// The step can do nothing for now.
    case starved
  }

  private mutating func step() -> Step {
    switch phase {
    case .transmission(let gate): return stepTransmission(gate)
    case .clientFlags: return stepClientFlags()
    case .option: return stepOption()
    case .optionData(let header): return stepOptionData(header)
    case .startingTLS, .establishingTLS: return stepTLS()
    case .entering(let export, let name): return enter(export, name: name)
    case .catalogue, .closed: return .act(.wait)
    case .draining: return .starved
    }
  }

  /// Decides what to do without more input. The connection is finished if the client or the server
  /// has ended it and no reply is owed.
  private mutating func settle() -> Action {
    if isInputClosed { dropPayload() }
    let isEnding: Bool
    if case .draining = phase {
      isEnding = true
    } else {
      isEnding = isInputClosed || isShuttingDown
    }
    guard isEnding, window.count == 0, pending.isNothing else { return .wait }
    phase = .closed
    return .finish
  }

  mutating func abandon(_ reason: String) -> Step {
    phase = .closed
    input = ByteBuffer()
    return .act(.abandon(reason: reason))
  }

  /// Discards received bytes of a skipped range.
  /// - Returns: whether the range is complete; its reply was then written.
  @discardableResult
  mutating func skipInput() -> Bool {
    guard var current = skip else { return true }
    let count = min(UInt64(input.readableBytes), current.remainingBytes)
    input.moveReaderIndex(forwardBy: Int(count))
    current.remainingBytes -= count
    guard current.remainingBytes == 0 else {
      skip = current
      return false
    }
    skip = nil
    switch current.then {
    case .refuseOption(let option, let reply, let message):
      output.writeOptionError(reply, to: option, message: message)
    case .refuseRequest(let request, let refusal):
      output.writeFailure(ReplyFrame(style, to: request), refusal: refusal)
    }
    return true
  }

  /// Begins to skip bytes, starting with those already received.
  mutating func beginSkip(_ lengthBytes: UInt64, then sequel: Skip.Sequel) -> Step {
    skip = Skip(remainingBytes: lengthBytes, then: sequel)
    return skipInput() ? .again : .starved
  }
}
