import NIOCore

// The transmission phase: proto.md, "Transmission" and "Request types".
extension ServerConnection {
  /// Whether the connection can use more bytes from the client now.
  var wantsRequests: Bool {
    switch pending {
    case .nothing: !window.isFull && !isHoldingRequests
    case .work, .read: false
    case .write(_, let isAdmitted): isAdmitted
    case .status: true
    }
  }

  /// Whether the connection is receiving a payload that the window has admitted.
  package var owesPayload: Bool {
    if case .write(_, isAdmitted: true) = pending { true } else { false }
  }

  mutating func stepTransmission(_ gate: RequestGate) -> Step {
    switch pending {
    case .nothing: stepRequest(gate)
    case .work(let work): begin(work)
    case .read(let cutter): stepRead(cutter)
    case .write(let cutter, let isAdmitted): stepWrite(cutter, isAdmitted: isAdmitted)
    case .status(let request): stepStatus(request, gate)
    }
  }

  private mutating func stepRequest(_ gate: RequestGate) -> Step {
    guard skip == nil, !window.isFull, !isHoldingRequests else { return .starved }
    switch input.readRequest(style) {
    case .request(let request): return take(request, gate)
    case .incomplete: return .starved
    case .wrongMagic(let magic): return abandon("a request began with wrong magic \(magic)")
    }
  }

  private mutating func take(_ request: Request, _ gate: RequestGate) -> Step {
    guard request.command != .disconnect else {
      hasDisconnected = true
      input = ByteBuffer()
      phase = .draining
      return .again
    }
    guard !gate.isAbuse(request) else {
      return abandon("a payload of \(request.lengthBytes) bytes")
    }
    let refusal =
      isShuttingDown
      ? Refusal(.shutdown, "the server is shutting down") : gate.refusal(of: request)
    if let refusal {
      // The payload is consumed before the refusal is sent.
      return beginSkip(request.payloadBytes(style), then: .refuseRequest(request, refusal))
    }
    return admit(request, gate)
  }

  /// Starts a request that passed all checks. A request of length 0 has no effect, except a flush.
  private mutating func admit(_ request: Request, _ gate: RequestGate) -> Step {
    let isEmpty = request.lengthBytes == 0
    switch request.command {
    case .read where !isEmpty: return read(request)
    case .write where !isEmpty: return write(request)
    case .blockStatus: return status(request, gate)
    case .cache where !isEmpty: return begin(Work(request, costBytes: Int(Self.pieceBytes)))
    case .trim where !isEmpty, .writeZeroes where !isEmpty, .flush where gate.isWritable:
      return begin(Work(request, costBytes: 0))
    default:
      output.writeSuccess(ReplyFrame(style, to: request))
      return .again
    }
  }

  private mutating func begin(_ work: Work) -> Step {
    guard window.enter(work.costBytes) else {
      pending = .work(work)
      return .starved
    }
    pending = .nothing
    return .act(.perform(work))
  }

  // MARK: Reads and writes, whole or in pieces

  /// Prepares a read or write, which is split into pieces if it is long and `mayCut` is true.
  ///
  /// - Precondition: The request lies within the export.
  private mutating func cut(_ request: Request, mayCut: Bool) -> PieceCutter {
    let end = request.offsetBytes + request.lengthBytes
    guard mayCut, request.lengthBytes > Self.pieceBytes else {
      return PieceCutter(request, endBytes: end, split: nil)
    }
    splitCount &+= 1
    splitDebts[splitCount] = SplitDebt(pieces: PieceCutter.count(of: request.offsetBytes..<end))
    return PieceCutter(request, endBytes: end, split: splitCount)
  }

  private mutating func read(_ request: Request) -> Step {
    let mayCut = style != .simple && !request.flags.contains(.dontFragment)
    return stepRead(cut(request, mayCut: mayCut))
  }

  /// Returns the next piece of a read as work.
  private mutating func stepRead(_ cutter: PieceCutter) -> Step {
    var cutter = cutter
    let work = Work(cutter.request, range: cutter.next, split: cutter.split)
    guard window.enter(work.costBytes) else {
      pending = .read(cutter)
      return .starved
    }
    cutter.advance()
    pending = cutter.isAtEnd ? .nothing : .read(cutter)
    return .act(.perform(work))
  }

  private mutating func write(_ request: Request) -> Step {
    stepWrite(cut(request, mayCut: true), isAdmitted: false)
  }

  /// Receives the next piece of a write once the window has room for it, and returns it as work.
  private mutating func stepWrite(_ cutter: PieceCutter, isAdmitted: Bool) -> Step {
    let range = cutter.next
    guard isAdmitted || window.enter(range.count) else {
      pending = .write(cutter, isAdmitted: false)
      return .starved
    }
    guard let payload = receivePayload(lengthBytes: range.count) else {
      pending = .write(cutter, isAdmitted: true)
      return .starved
    }
    var cutter = cutter
    cutter.advance()
    pending = cutter.isAtEnd ? .nothing : .write(cutter, isAdmitted: false)
    return .act(
      .perform(Work(cutter.request, range: range, payload: payload, split: cutter.split)))
  }

  /// Receives a payload. If all of it has arrived, the result is a slice of the input; otherwise
  /// the parts are collected in a buffer.
  ///
  /// - Returns: nil until the payload is complete.
  private mutating func receivePayload(lengthBytes: Int) -> ByteBuffer? {
    guard input.readableBytes > 0 else { return nil }
    if payload.readableBytes == 0 {
      if let slice = input.readSlice(length: lengthBytes) { return slice }
      payload = ByteBufferAllocator().buffer(capacity: lengthBytes)
    }
    let missing = lengthBytes - payload.readableBytes
    if let part = input.readSlice(length: min(missing, input.readableBytes)) {
      payload.writeImmutableBuffer(part)
    }
    guard payload.readableBytes == lengthBytes else { return nil }
    defer { payload = ByteBuffer() }
    return payload
  }

  /// Marks a piece of work as finished. Call this once for each ``Action/perform(_:)``, just before
  /// its reply is sent.
  ///
  /// - Parameter failure: why a piece of a write failed. The single reply to the write reports it.
  package mutating func finished(_ work: Work, failure: Refusal? = nil) -> Completion {
    window.leave(work.costBytes)
    guard let id = work.split, var debt = splitDebts[id] else {
      return Completion(isLast: true, failure: failure)
    }
    debt.pieces -= 1
    debt.failure = debt.failure ?? failure
    splitDebts[id] = debt.pieces > 0 ? debt : nil
    return Completion(isLast: debt.pieces == 0, failure: debt.failure)
  }

  // MARK: Status

  private mutating func status(_ request: Request, _ gate: RequestGate) -> Step {
    guard request.payloadBytes(style) == 0 else { return stepStatus(request, gate) }
    return beginStatus(of: request, contexts)
  }

  /// Answers a status request for the contexts that its payload names, once the payload has
  /// arrived.
  private mutating func stepStatus(_ request: Request, _ gate: RequestGate) -> Step {
    guard let data = input.readSlice(length: Int(request.lengthBytes)) else {
      pending = .status(request)
      return .starved
    }
    pending = .nothing
    let choice = StatusChoice(decoding: data)
    if let refusal = gate.refusal(of: request, choosing: choice) {
      output.writeFailure(ReplyFrame(style, to: request), refusal: refusal)
      return .again
    }
    var chosen = request
    chosen.lengthBytes = choice.lengthBytes
    return beginStatus(of: chosen, contexts.filter { choice.ids.contains($0.id) })
  }

  private mutating func beginStatus(of request: Request, _ contexts: [MetaContext]) -> Step {
    begin(Work(request, costBytes: contexts.count * Self.statusCostBytes, contexts: contexts))
  }

  // MARK: The end of the input

  /// Discards a payload that will never be complete, and frees its room in the window.
  mutating func dropPayload() {
    switch pending {
    case .write(let cutter, isAdmitted: true):
      window.leave(cutter.next.count)
      payload = ByteBuffer()
      pending = .nothing
    case .status: pending = .nothing
    case .nothing, .work, .read, .write: return
    }
  }
}
