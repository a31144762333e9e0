import NIOCore

// The transmission phase: proto.md, "Transmission" and "Request types".
extension ServerConnection {
  mutating func stepTransmission(_ gate: RequestGate) -> Step {
    if let work = held {
      guard window.admits(work.costBytes) else { return .starved }
      held = nil
      return perform(work)
    }
    if split != nil { return stepSplit() }
    guard skip == nil, !window.isFull else { return .starved }
    switch input.readRequest() {
    case .request(let request): return take(request, gate)
    case .incomplete: return .starved
    case .wrongMagic(let magic): return abandon("a request began with wrong magic \(magic)")
    }
  }

  private mutating func take(_ request: Request, _ gate: RequestGate) -> Step {
    guard request.command != .disconnect else {
      input.clear()
      phase = .draining
      return .again
    }
    let refusal =
      isShuttingDown
      ? Refusal(.shutdown, "the server is shutting down") : gate.refusal(of: request)
    if let refusal { return refuse(request, refusal) }
    switch request.command {
    case .read where request.lengthBytes > 0: return read(request)
    case .blockStatus: return begin(request, costBytes: Self.statusCostBytes)
    case .cache where request.lengthBytes > 0:
      return begin(request, costBytes: Int(Self.pieceBytes))
    default:
      output.writeSuccess(style, cookie: request.cookie)
      return .again
    }
  }

  /// The payload of a write is consumed before its refusal is sent.
  private mutating func refuse(_ request: Request, _ refusal: Refusal) -> Step {
    guard request.command == .write else {
      output.writeFailure(style, cookie: request.cookie, refusal: refusal)
      return .again
    }
    return beginSkip(request.lengthBytes, then: .refuseRequest(request, refusal))
  }

  private mutating func read(_ request: Request) -> Step {
    let mayFragment = style != .simple && !request.flags.contains(.dontFragment)
    guard mayFragment, request.lengthBytes > Self.pieceBytes, let end = request.endBytes else {
      return begin(request, costBytes: Int(request.lengthBytes))
    }
    splitCount &+= 1
    let read = SplitRead(
      id: splitCount, request: request, nextBytes: request.offsetBytes, endBytes: end)
    piecesOwed[read.id] = Int(
      (end - 1) / Self.pieceBytes - request.offsetBytes / Self.pieceBytes + 1)
    split = read
    return .again
  }

  private mutating func begin(_ request: Request, costBytes: Int) -> Step {
    let work = Work(
      request: request, offsetBytes: request.offsetBytes, lengthBytes: request.lengthBytes,
      costBytes: costBytes, split: nil)
    guard window.admits(costBytes) else {
      held = work
      return .starved
    }
    return perform(work)
  }

  /// Hands out the next piece of a long read, cut at multiples of ``pieceBytes`` of the export.
  private mutating func stepSplit() -> Step {
    guard var read = split else { return .again }
    let boundary = (read.nextBytes / Self.pieceBytes + 1) * Self.pieceBytes
    let end = min(boundary, read.endBytes)
    let work = Work(
      request: read.request, offsetBytes: read.nextBytes,
      lengthBytes: UInt32(end - read.nextBytes), costBytes: Int(end - read.nextBytes),
      split: read.id)
    guard window.admits(work.costBytes) else { return .starved }
    read.nextBytes = end
    split = end == read.endBytes ? nil : read
    return perform(work)
  }

  private mutating func perform(_ work: Work) -> Step {
    window.enter(work.costBytes)
    return .act(.perform(work))
  }

  /// To be called once for each ``Action/perform(_:)``, when its reply is about to be sent.
  ///
  /// - Returns: whether this is the last that is owed for the request, so that the reply may say
  ///   that it is done.
  package mutating func finished(_ work: Work) -> Bool {
    window.leave(work.costBytes)
    guard let id = work.split, let owed = piecesOwed[id] else { return true }
    piecesOwed[id] = owed > 1 ? owed - 1 : nil
    return owed == 1
  }
}
