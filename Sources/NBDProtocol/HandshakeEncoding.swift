import NIOCore

extension ByteBuffer {
  /// Writes the greeting, the first message of a server.
  ///
  /// ```
  /// u64 NBDMAGIC | u64 IHAVEOPT | u16 handshake flags
  /// ```
  mutating func writeGreeting() {
    let flags: HandshakeFlags = [.fixedNewstyle, .noZeroes]
    writeMultipleIntegers(Magic.greeting, Magic.option, flags.rawValue)
  }

  /// Writes the header of an option reply. The caller writes the `lengthBytes` of data that follow.
  ///
  /// ```
  /// u64 magic | u32 option | u32 reply | u32 length
  /// ```
  private mutating func writeOptionReplyHeader(
    _ reply: OptionReply, to option: OptionCode, lengthBytes: Int
  ) {
    writeMultipleIntegers(
      Magic.optionReply, option.rawValue, reply.rawValue, UInt32(lengthBytes))
  }

  mutating func writeAcknowledgement(of option: OptionCode) {
    writeOptionReplyHeader(.acknowledge, to: option, lengthBytes: 0)
  }

  /// Writes an error reply. Its data is a message for a person.
  mutating func writeOptionError(_ error: OptionReply, to option: OptionCode, message: String) {
    let message = BoundedMessage(message)
    writeOptionReplyHeader(error, to: option, lengthBytes: message.bytes.count)
    writeBytes(message.bytes)
  }

  /// Writes one entry of the answer to LIST.
  ///
  /// ```
  /// reply header | u32 name length | name | description
  /// ```
  ///
  /// Skips an export if its name is longer than a client can ask for.
  mutating func writeListEntry(_ export: ExportSummary) {
    let description = BoundedMessage(export.description)
    let nameBytes = export.name.utf8.count
    guard nameBytes <= ProtocolLimit.stringBytes else { return }
    writeOptionReplyHeader(
      .server, to: .list, lengthBytes: 4 + nameBytes + description.bytes.count)
    writeInteger(UInt32(nameBytes))
    writeString(export.name)
    writeBytes(description.bytes)
  }

  /// Writes the size and the flags in reply to INFO or GO.
  ///
  /// ```
  /// reply header | u16 0 | u64 size | u16 transmission flags
  /// ```
  mutating func writeExportInformation(
    sizeBytes: UInt64, flags: TransmissionFlags, to option: OptionCode
  ) {
    writeOptionReplyHeader(.info, to: option, lengthBytes: 12)
    writeMultipleIntegers(Information.export.rawValue, sizeBytes, flags.rawValue)
  }

  /// Writes a name or a description in reply to INFO or GO. Text that is too long is cut.
  ///
  /// ```
  /// reply header | u16 kind | text
  /// ```
  mutating func writeTextInformation(
    _ kind: Information, _ text: String, to option: OptionCode
  ) {
    let limitBytes = kind == .name ? ProtocolLimit.stringBytes : BoundedMessage.limitBytes
    let bounded = BoundedMessage(text, limitBytes: limitBytes)
    writeOptionReplyHeader(.info, to: option, lengthBytes: 2 + bounded.bytes.count)
    writeInteger(kind.rawValue)
    writeBytes(bounded.bytes)
  }

  /// Writes the block sizes in reply to INFO or GO.
  ///
  /// ```
  /// reply header | u16 3 | u32 minimum | u32 preferred | u32 maximum payload
  /// ```
  mutating func writeBlockSizeInformation(_ sizes: BlockSizes, to option: OptionCode) {
    writeOptionReplyHeader(.info, to: option, lengthBytes: 14)
    writeMultipleIntegers(
      Information.blockSize.rawValue, sizes.minimumBytes, sizes.preferredBytes,
      sizes.maximumPayloadBytes)
  }

  /// Writes one metadata context in reply to LIST_META_CONTEXT (id 0) or SET_META_CONTEXT.
  ///
  /// ```
  /// reply header | u32 id | name
  /// ```
  mutating func writeMetaContext(_ context: MetaContext, to option: OptionCode) {
    writeOptionReplyHeader(.metaContext, to: option, lengthBytes: 4 + context.name.utf8.count)
    writeInteger(option == .setMetaContext ? context.id : 0)
    writeString(context.name)
  }

  /// Writes the answer to EXPORT_NAME.
  ///
  /// ```
  /// u64 size | u16 transmission flags | 124 zeros, unless agreed otherwise
  /// ```
  mutating func writeExportNameAnswer(
    sizeBytes: UInt64, flags: TransmissionFlags, withoutZeroes: Bool
  ) {
    writeMultipleIntegers(sizeBytes, flags.rawValue)
    if !withoutZeroes { writeRepeatingByte(0, count: 124) }
  }
}
