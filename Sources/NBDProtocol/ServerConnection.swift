package import NIOCore

/// The server's side of one NBD connection as a value: bytes go in, actions come out.
///
/// It owns no socket, no timer and no export. Whoever drives it hands over what was received,
/// asks ``next()`` until that says ``Action/wait``, and does what it is told:
///
/// ```
/// start() → greeting
/// receive(bytes) ┐
/// answer(…)      ├→ next() → .send, .listExports, .openExport, .begin, .perform, .finish, …
/// finished(work) ┘
/// ```
///
/// What it holds is bounded: one option's data, or the requests of its ``RequestWindow`` with what
/// they write. When ``wantsInput`` is false, nothing more should be read from the socket.
package struct ServerConnection: ~Copyable {
  /// What the driver is to do.
  package enum Action {
    /// Nothing, until bytes arrive, a question is answered or work is finished.
    case wait
    /// Send these bytes, after everything that was to be sent before.
    case send(ByteBuffer)
    /// Ask the catalogue for all exports, then call ``answer(_:)``.
    case listExports
    /// Ask the catalogue for this export, and the export for the contexts that the queries match,
    /// then call ``answer(_:)``. What the last selection matched is what will be asked about, should
    /// the export be entered by that name.
    case openExport(name: String, queries: [String], isSelection: Bool)
    /// Forget every export, put TLS in front, and call ``tlsEstablished()`` when that is done.
    /// Everything that was to be sent before has to be on its way first, in the clear.
    case startTLS
    /// The transmission phase begins, on the export that was opened last.
    case begin
    /// Carry this out, send its reply, then call ``finished(_:)``.
    case perform(Work)
    /// Everything owed was given: send what is still buffered and close.
    case finish
    /// The client broke the protocol or a limit; close at once.
    case abandon(reason: String)
  }

  /// What the catalogue said.
  package enum Answer {
    case exports([ExportSummary])
    /// With the names of the export's own contexts that the queries match, each once.
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
    /// Whoever drives this is at it.
    case establishingTLS
    case catalogue(Question)
    case entering(ExportProperties, name: String)
    case transmission(RequestGate)
    /// Nothing more is read; what is in flight is finished.
    case draining
    case closed
  }

  /// What stands before the catalogue, and for which option.
  enum Question {
    case list
    case exportName(String)
    case export(ExportChoice, OptionCode)
    case contexts(ContextQueries, OptionCode)
  }

  /// Bytes that are thrown away unread, and what is said after them.
  struct Skip {
    var remainingBytes: UInt64
    var then: Sequel

    enum Sequel {
      case refuseOption(OptionCode, OptionReply, String)
      case refuseRequest(Request, Refusal)
    }
  }

  /// What the transmission phase is in the middle of.
  enum Pending {
    case nothing
    /// Waits for the window.
    case work(Work)
    /// A long read being handed out.
    case read(PieceCutter)
    /// A write whose payload is being received, when the window has let its next piece in.
    case write(PieceCutter, isAdmitted: Bool)
    /// The payload of a status request has not come yet.
    case status(Request)

    var isNothing: Bool {
      if case .nothing = self { true } else { false }
    }
  }

  /// Reads and writes longer than this, in bytes, are handed out in pieces, reads where the reply
  /// allows it.
  package static let pieceBytes: UInt64 = 1 << 20
  /// What the status of one context is counted as: its size is not known beforehand.
  static let statusCostBytes = 1 << 20

  var phase = Phase.clientFlags
  var input = ByteBuffer()
  var output = ByteBuffer()
  var skip: Skip?

  var clientFlags: ClientFlags = []
  package internal(set) var style = ReplyStyle.simple
  var selection: (exportName: String, contexts: [MetaContext])?
  /// The metadata contexts that BLOCK_STATUS answers; known once ``Action/begin`` was told.
  package internal(set) var contexts: [MetaContext] = []
  var budget: HandshakeBudget
  let limits: HandshakeLimits
  let tls: TLSPolicy
  var isSecure = false

  var window: RequestWindow
  var pending = Pending.nothing
  /// What has come of the piece of a write that is being received.
  var payload = ByteBuffer()
  var splitDebts: [UInt32: SplitDebt] = [:]
  var splitCount: UInt32 = 0

  private var isInputClosed = false
  /// Whether the client has said that it is done (NBD_CMD_DISC).
  package internal(set) var hasDisconnected = false
  var isShuttingDown = false
  /// Requests are left alone for now.
  var isHoldingRequests = false

  package init(limits: HandshakeLimits, window: RequestWindow, tls: TLSPolicy = .off) {
    self.limits = limits
    self.tls = tls
    self.window = window
    budget = HandshakeBudget(limits)
  }

  /// To be called once, first. Sends the greeting.
  package mutating func start() -> ByteBuffer {
    var greeting = ByteBuffer()
    greeting.writeGreeting()
    return greeting
  }

  /// Takes bytes from the client, in the order in which they came.
  package mutating func receive(_ bytes: consuming ByteBuffer) {
    if input.readableBytes == 0 {
      input = bytes
    } else {
      input.discardReadBytes()
      input.writeImmutableBuffer(bytes)
    }
    skipInput()
  }

  /// The client will send nothing more, but may still read.
  package mutating func inputClosed() { isInputClosed = true }

  /// What is in flight is finished, and that is the end. New options are refused. New requests are left
  /// alone: a client that comes back by itself sends again what was not answered, and takes a refusal
  /// for an error of the disk.
  package mutating func shutDown() {
    isShuttingDown = true
    isHoldingRequests = true
  }

  /// To be called some time after ``shutDown()``: what is in flight takes long, and clients are not to
  /// wait for the end in vain. New requests are refused from now on.
  package mutating func refuseRequests() { isHoldingRequests = false }

  /// Whether reading from the socket could lead to anything now.
  package var wantsInput: Bool {
    guard !isInputClosed else { return false }
    return switch phase {
    case .clientFlags, .option, .optionData, .establishingTLS: true
    case .transmission: wantsRequests
    case .startingTLS, .catalogue, .entering, .draining, .closed: false
    }
  }

  /// Whether the client is still to say which export it wants; time for that is limited.
  package var isWaitingForOptions: Bool {
    switch phase {
    case .clientFlags, .option, .optionData, .startingTLS, .establishingTLS: true
    case .catalogue, .entering, .transmission, .draining, .closed: false
    }
  }

  /// Options that the client has begun to send so far.
  package var optionCount: Int { budget.options }

  /// Pieces of work that are in flight.
  package var inFlightCount: Int { window.count }
  /// Bytes that the answers and payloads in flight hold.
  package var inFlightBytes: Int { window.bytes }

  /// What is to be done next; to be asked again until the answer is ``Action/wait``.
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
    /// Something was done; look again.
    case again
    case act(Action)
    /// Nothing can be done for now.
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

  /// Starved: that is the end when the client, the server or DISC said so and nothing is owed.
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

  /// Throws away what was received of a skipped stretch.
  /// - Returns: whether that was all of it; then its sequel was written.
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

  /// Begins to skip, with what is already there.
  mutating func beginSkip(_ lengthBytes: UInt64, then sequel: Skip.Sequel) -> Step {
    skip = Skip(remainingBytes: lengthBytes, then: sequel)
    return skipInput() ? .again : .starved
  }
}
