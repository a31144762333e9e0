/// The one gate through which every request passes before anything is done for it.
///
/// Rules: proto.md, "Request types" and "Error values".
package struct RequestGate: Sendable {
  /// The longest read that DF can keep in one chunk. The specification asks for 64 KiB; more
  /// would have to be gathered in memory before its first byte could be sent.
  package static let longestUnfragmentedBytes: UInt32 = 4 << 20

  package let sizeBytes: UInt64
  package let style: ReplyStyle
  package let hasContexts: Bool

  package init(sizeBytes: UInt64, style: ReplyStyle, hasContexts: Bool) {
    self.sizeBytes = sizeBytes
    self.style = style
    self.hasContexts = hasContexts
  }

  /// Nil when the request may be carried out.
  package func refusal(of request: Request) -> Refusal? {
    switch request.command {
    case .read: refusalOfRead(request)
    case .blockStatus: refusalOfStatus(request)
    case .cache: refusal(of: request, allowing: [])
    case .flush: refusalOfFlush(request)
    case .write, .writeZeroes, .trim: Refusal(.notPermitted, "this export is read-only")
    default:
      Refusal(.invalidArgument, "command \(request.command.rawValue) is not known here")
    }
  }

  private func refusalOfRead(_ request: Request) -> Refusal? {
    let isUnfragmented = request.flags.contains(.dontFragment)
    let allowed: CommandFlags = style == .simple ? [] : .dontFragment
    if let refusal = refusal(of: request, allowing: allowed) { return refusal }
    if isUnfragmented, request.lengthBytes > Self.longestUnfragmentedBytes {
      return Refusal(
        .overflow, "at most \(Self.longestUnfragmentedBytes) bytes can go unfragmented")
    }
    guard request.lengthBytes <= ProtocolLimit.payloadBytes else {
      return Refusal(.invalidArgument, "a read is at most \(ProtocolLimit.payloadBytes) bytes")
    }
    return nil
  }

  private func refusalOfStatus(_ request: Request) -> Refusal? {
    guard hasContexts else {
      return Refusal(.invalidArgument, "no metadata context was selected for this export")
    }
    guard request.lengthBytes > 0 else {
      return Refusal(.invalidArgument, "a status request needs a length")
    }
    return refusal(of: request, allowing: .requestOne)
  }

  /// A flush is answered though it was not offered: what never changes is always on disk.
  private func refusalOfFlush(_ request: Request) -> Refusal? {
    guard request.flags.isEmpty, request.offsetBytes == 0, request.lengthBytes == 0 else {
      return Refusal(.invalidArgument, "a flush has no flags, offset or length")
    }
    return nil
  }

  private func refusal(of request: Request, allowing allowed: CommandFlags) -> Refusal? {
    guard request.flags.isSubset(of: allowed) else {
      return Refusal(
        .invalidArgument, "flags \(request.flags.rawValue) do not go with this command")
    }
    guard let end = request.endBytes, end <= sizeBytes else {
      return Refusal(
        .invalidArgument,
        "\(request.lengthBytes) bytes at \(request.offsetBytes) pass the end at \(sizeBytes)")
    }
    return nil
  }
}

/// Why a request is not carried out.
package struct Refusal: Sendable, Equatable {
  package var error: ErrorCode
  /// For the person at the client; sent where the reply can carry it.
  package var message: String

  package init(_ error: ErrorCode, _ message: String) {
    self.error = error
    self.message = message
  }
}
