/// The code of an option in the handshake. A client can send any number.
package struct OptionCode: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let exportName = OptionCode(rawValue: 1)
  package static let abort = OptionCode(rawValue: 2)
  package static let list = OptionCode(rawValue: 3)
  package static let startTLS = OptionCode(rawValue: 5)
  package static let info = OptionCode(rawValue: 6)
  package static let go = OptionCode(rawValue: 7)
  package static let structuredReply = OptionCode(rawValue: 8)
  package static let listMetaContext = OptionCode(rawValue: 9)
  package static let setMetaContext = OptionCode(rawValue: 10)
  package static let extendedHeaders = OptionCode(rawValue: 11)
}

/// The type of a reply to an option. Bit 31 marks an error, which ends the option.
package enum OptionReply: UInt32, Sendable {
  case acknowledge = 1
  case server = 2
  case info = 3
  case metaContext = 4
  case unsupported = 0x8000_0001
  case policy = 0x8000_0002
  case invalid = 0x8000_0003
  case platform = 0x8000_0004
  case tlsRequired = 0x8000_0005
  case unknown = 0x8000_0006
  case shutdown = 0x8000_0007
  case blockSizeRequired = 0x8000_0008
  case tooBig = 0x8000_0009
  case extendedHeadersRequired = 0x8000_000a
}

/// A kind of information about an export, which a client requests with INFO or GO.
package enum Information: UInt16, Sendable {
  case export = 0
  case name = 1
  case description = 2
  case blockSize = 3
}

/// The description of an export in a list.
package struct ExportSummary: Sendable, Equatable {
  /// The name with which a client opens the export.
  package var name: String
  /// Helps a person to choose an export. Empty if there is no description.
  package var description: String

  package init(name: String, description: String) {
    self.name = name
    self.description = description
  }
}

/// The properties of an open export.
package struct ExportProperties: Sendable, Equatable {
  /// The canonical name. It can differ from the name that the client asked for.
  package var name: String
  package var description: String
  package var sizeBytes: UInt64
  package var isWritable: Bool
  /// Whether all connections see the same content: after one connection has flushed its writes, the
  /// others read them.
  package var isShared: Bool

  package init(
    name: String, description: String, sizeBytes: UInt64, isWritable: Bool = false,
    isShared: Bool = true
  ) {
    self.name = name
    self.description = description
    self.sizeBytes = sizeBytes
    self.isWritable = isWritable
    self.isShared = isShared
  }

  /// Returns the flags to advertise (proto.md, "Transmission flags"). A read-only export never
  /// changes, so it always allows several connections.
  ///
  /// - Parameters:
  ///   - style: DF is offered only when replies can have several chunks.
  ///   - hasContexts: with extended headers, BLOCK_STATUS can then ask about some of the contexts.
  package func transmissionFlags(for style: ReplyStyle, hasContexts: Bool) -> TransmissionFlags {
    var flags: TransmissionFlags = [.hasFlags, .sendCache]
    if isWritable {
      flags.formUnion([.sendFlush, .sendFUA, .sendTrim, .sendWriteZeroes, .sendFastZero])
    } else {
      flags.insert(.readOnly)
    }
    if isShared || !isWritable { flags.insert(.canMultiConn) }
    if style != .simple { flags.insert(.sendDF) }
    if style == .extended, hasContexts { flags.insert(.blockStatusPayload) }
    return flags
  }
}

/// The block sizes to advertise (proto.md, "Size constraints").
package struct BlockSizes: Sendable, Equatable {
  /// A power of two from 1 to 65,536.
  package var minimumBytes: UInt32 = 1
  /// A power of two, at least 512.
  package var preferredBytes: UInt32 = 4096
  package var maximumPayloadBytes: UInt32 = ProtocolLimit.payloadBytes

  package init() {}
}
