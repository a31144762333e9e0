/// Checks every request before the server does any work for it.
///
/// Rules: proto.md, "Request types", "Command flags" and "Error values".
package struct RequestGate: Sendable {
  /// The longest read that the server answers with one chunk because of DF. The specification
  /// requires 64 KiB. A longer reply would have to be collected in memory before its first byte
  /// could be sent.
  package static let longestUnfragmentedBytes: UInt64 = 4 << 20
  /// A fast zero is accepted only if it covers at least one whole block of this size, so that this
  /// block need not be written.
  package static let fastZeroBlockBytes = UInt64(BlockSizes().preferredBytes)
  private static let payloadLimitBytes = UInt64(ProtocolLimit.payloadBytes)

  package let sizeBytes: UInt64
  package let style: ReplyStyle
  package let isWritable: Bool
  /// The contexts that the client selected for BLOCK_STATUS.
  package let contexts: [MetaContext]

  package init(
    sizeBytes: UInt64, style: ReplyStyle, isWritable: Bool = false, contexts: [MetaContext] = []
  ) {
    self.sizeBytes = sizeBytes
    self.style = style
    self.isWritable = isWritable
    self.contexts = contexts
  }

  /// Returns the reason to refuse the request, or nil if it may be carried out.
  package func refusal(of request: Request) -> Refusal? {
    switch request.command {
    case .read: refusalOfRead(request)
    case .blockStatus: refusalOfStatus(request)
    case .cache: refusal(of: request, allowing: [])
    case .flush: refusalOfFlush(request)
    case .write: refusalOfWrite(request)
    case .writeZeroes: refusalOfZero(request)
    case .trim: readOnlyRefusal ?? refusal(of: request, allowing: [])
    default:
      Refusal(.invalidArgument, "command \(request.command.rawValue) is not known here")
    }
  }

  /// Whether the payload is so long that the server disconnects the client instead of skipping it.
  func isAbuse(_ request: Request) -> Bool {
    style == .extended && request.payloadBytes(style) > Self.payloadLimitBytes
  }

  // MARK: Reading

  private func refusalOfRead(_ request: Request) -> Refusal? {
    let allowed: CommandFlags = style == .simple ? [] : .dontFragment
    if let refusal = refusal(of: request, allowing: allowed) { return refusal }
    if request.flags.contains(.dontFragment), request.lengthBytes > Self.longestUnfragmentedBytes {
      return Refusal(
        .overflow, "at most \(Self.longestUnfragmentedBytes) bytes can go unfragmented")
    }
    guard request.lengthBytes <= Self.payloadLimitBytes else {
      return Refusal(
        style == .extended ? .overflow : .invalidArgument,
        "a read is at most \(Self.payloadLimitBytes) bytes")
    }
    return nil
  }

  /// Checks a status request as far as possible before its payload, if it has one, arrives.
  private func refusalOfStatus(_ request: Request) -> Refusal? {
    guard !contexts.isEmpty else {
      return Refusal(.invalidArgument, "no metadata context was selected for this export")
    }
    guard request.lengthBytes > 0 else {
      return Refusal(.invalidArgument, "a status request needs a length")
    }
    guard style == .extended, request.flags.contains(.payloadLength) else {
      return refusal(of: request, allowing: .requestOne)
    }
    guard StatusChoice.isPossible(lengthBytes: request.lengthBytes, contexts: contexts.count)
    else {
      return Refusal(
        .invalidArgument, "\(request.lengthBytes) bytes do not name some of the selected contexts")
    }
    return refusalOfFlags(of: request, allowing: [.requestOne, .payloadLength])
  }

  /// Checks a status request with a payload, once the payload is there.
  func refusal(of request: Request, choosing choice: StatusChoice) -> Refusal? {
    var effective = request
    effective.lengthBytes = choice.lengthBytes
    effective.flags.remove(.payloadLength)
    guard Set(choice.ids).count == choice.ids.count,
      choice.ids.allSatisfy({ id in contexts.contains { $0.id == id } })
    else {
      return Refusal(.invalidArgument, "a context is named twice, or was not selected")
    }
    return refusalOfStatus(effective)
  }

  // MARK: Writing

  private var readOnlyRefusal: Refusal? {
    isWritable ? nil : Refusal(.notPermitted, "this export is read-only")
  }

  private func refusalOfWrite(_ request: Request) -> Refusal? {
    if let readOnlyRefusal { return readOnlyRefusal }
    guard style != .extended || request.flags.contains(.payloadLength) else {
      return Refusal(.invalidArgument, "a write says the length of its payload")
    }
    let allowed: CommandFlags = style == .extended ? .payloadLength : []
    if let refusal = refusal(of: request, allowing: allowed, pastEnd: .noSpace) { return refusal }
    guard request.lengthBytes <= Self.payloadLimitBytes else {
      return Refusal(.invalidArgument, "a write is at most \(Self.payloadLimitBytes) bytes")
    }
    return nil
  }

  private func refusalOfZero(_ request: Request) -> Refusal? {
    if let readOnlyRefusal { return readOnlyRefusal }
    let allowed: CommandFlags = [.noHole, .fastZero]
    if let refusal = refusal(of: request, allowing: allowed, pastEnd: .noSpace) { return refusal }
    guard request.lengthBytes > 0, request.flags.contains(.fastZero) else { return nil }
    guard !request.flags.contains(.noHole), sparesBlock(request) else {
      return Refusal(.notSupported, "zeroing this would take as long as writing it")
    }
    return nil
  }

  /// Whether the request covers a whole block. The last block of the export may be short.
  private func sparesBlock(_ request: Request) -> Bool {
    let block = Self.fastZeroBlockBytes
    guard let end = request.endBytes else { return false }
    let (first, overflows) = (request.offsetBytes.addingReportingOverflow(block - 1))
    guard !overflows else { return false }
    let wholeEnd = end == sizeBytes ? end : end / block * block
    return first / block * block < wholeEnd
  }

  /// A read-only export accepts a flush although it does not offer it: its content never changes,
  /// so it is always on disk.
  private func refusalOfFlush(_ request: Request) -> Refusal? {
    guard request.offsetBytes == 0, request.lengthBytes == 0 else {
      return Refusal(.invalidArgument, "a flush has no offset or length")
    }
    return refusalOfFlags(of: request, allowing: [])
  }

  // MARK: Any

  private func refusal(
    of request: Request, allowing allowed: CommandFlags, pastEnd error: ErrorCode = .invalidArgument
  ) -> Refusal? {
    if let refusal = refusalOfFlags(of: request, allowing: allowed) { return refusal }
    guard let end = request.endBytes, end <= sizeBytes else {
      return Refusal(
        error, "\(request.lengthBytes) bytes at \(request.offsetBytes) pass the end at \(sizeBytes)"
      )
    }
    return nil
  }

  /// A writable export accepts FUA with every command, because some clients set it on all of them.
  private func refusalOfFlags(
    of request: Request, allowing allowed: CommandFlags
  ) -> Refusal? {
    let allowed = isWritable ? allowed.union(.forceUnitAccess) : allowed
    guard request.flags.isSubset(of: allowed) else {
      return Refusal(
        .invalidArgument, "flags \(request.flags.rawValue) do not go with this command")
    }
    return nil
  }
}

/// Why the server refuses a request.
package struct Refusal: Sendable, Equatable {
  package var error: ErrorCode
  /// For the person at the client. Sent if the reply format has room for it.
  package var message: String

  package init(_ error: ErrorCode, _ message: String) {
    self.error = error
    self.message = message
  }
}
