// Numbers that the client and the server agree on: proto.md, "Values". All integers are big-endian.

/// The magic numbers that open every message.
package enum Magic {
  /// `NBDMAGIC`, the first eight bytes a server sends.
  package static let greeting: UInt64 = 0x4e42_444d_4147_4943
  /// `IHAVEOPT`, in the greeting and before every option.
  package static let option: UInt64 = 0x4948_4156_454f_5054
  /// Comes before every reply to an option.
  package static let optionReply: UInt64 = 0x0003_e889_0455_65a9
  /// Comes before every request of the transmission phase.
  package static let request: UInt32 = 0x2560_9513
  /// Comes before every request, once extended headers are negotiated.
  package static let extendedRequest: UInt32 = 0x21e4_1c71
  /// Comes before a simple reply.
  package static let simpleReply: UInt32 = 0x6744_6698
  /// Comes before a chunk of a structured reply.
  package static let structuredReply: UInt32 = 0x668e_33ef
  /// Comes before a chunk of a reply, once extended headers are negotiated.
  package static let extendedReply: UInt32 = 0x6e8a_278c
}

/// Limits that the specification sets for everyone.
package enum ProtocolLimit {
  /// The longest string that is allowed: a name, description, query or message (proto.md,
  /// "Conventions").
  package static let stringBytes = 4096
  /// The largest payload that every server must accept (proto.md, "Size constraints").
  package static let payloadBytes: UInt32 = 32 << 20
}

/// The features that the server offers in its greeting.
package struct HandshakeFlags: OptionSet, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let fixedNewstyle = HandshakeFlags(rawValue: 1 << 0)
  package static let noZeroes = HandshakeFlags(rawValue: 1 << 1)
}

/// The offered features that the client accepts.
package struct ClientFlags: OptionSet, Sendable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let fixedNewstyle = ClientFlags(rawValue: 1 << 0)
  package static let noZeroes = ClientFlags(rawValue: 1 << 1)
  /// Everything that the greeting offers; any other bit ends the connection.
  package static let offered: ClientFlags = [.fixedNewstyle, .noZeroes]
}

/// The capabilities of an export. The server sends them when the client opens the export.
package struct TransmissionFlags: OptionSet, Sendable, Hashable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let hasFlags = TransmissionFlags(rawValue: 1 << 0)
  package static let readOnly = TransmissionFlags(rawValue: 1 << 1)
  package static let sendFlush = TransmissionFlags(rawValue: 1 << 2)
  package static let sendFUA = TransmissionFlags(rawValue: 1 << 3)
  package static let sendTrim = TransmissionFlags(rawValue: 1 << 5)
  package static let sendWriteZeroes = TransmissionFlags(rawValue: 1 << 6)
  package static let sendDF = TransmissionFlags(rawValue: 1 << 7)
  package static let canMultiConn = TransmissionFlags(rawValue: 1 << 8)
  package static let sendCache = TransmissionFlags(rawValue: 1 << 10)
  package static let sendFastZero = TransmissionFlags(rawValue: 1 << 11)
  package static let blockStatusPayload = TransmissionFlags(rawValue: 1 << 12)
}

/// Modifiers of one request.
package struct CommandFlags: OptionSet, Sendable, Hashable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let forceUnitAccess = CommandFlags(rawValue: 1 << 0)
  package static let noHole = CommandFlags(rawValue: 1 << 1)
  package static let dontFragment = CommandFlags(rawValue: 1 << 2)
  package static let requestOne = CommandFlags(rawValue: 1 << 3)
  package static let fastZero = CommandFlags(rawValue: 1 << 4)
  /// The request has a payload, and its length field is the length of that payload. Only with
  /// extended headers.
  package static let payloadLength = CommandFlags(rawValue: 1 << 5)
}

/// The status flags of the context `base:allocation`.
package struct AllocationFlags: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The range is not allocated.
  package static let hole = AllocationFlags(rawValue: 1 << 0)
  /// The range reads as zeros.
  package static let zero = AllocationFlags(rawValue: 1 << 1)
}

/// The errors that a reply can carry. The protocol allows no other numbers.
package enum ErrorCode: UInt32, Sendable {
  case notPermitted = 1
  case inputOutput = 5
  case outOfMemory = 12
  case invalidArgument = 22
  case noSpace = 28
  case overflow = 75
  case notSupported = 95
  case shutdown = 108
}
