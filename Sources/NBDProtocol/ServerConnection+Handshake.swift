import NIOCore

// The handshake: proto.md, "Fixed newstyle negotiation" and "Option types".
extension ServerConnection {
  mutating func stepClientFlags() -> Step {
    guard let raw = input.readInteger(as: UInt32.self) else { return .starved }
    let flags = ClientFlags(rawValue: raw)
    guard flags.isSubset(of: .offered) else {
      return abandon("client flags \(raw) were not offered")
    }
    clientFlags = flags
    phase = .option
    return .again
  }

  mutating func stepOption() -> Step {
    guard skip == nil,
      let (magic, code, lengthBytes) = input.readMultipleIntegers(
        as: (UInt64, UInt32, UInt32).self)
    else { return .starved }
    guard magic == Magic.option else { return abandon("an option began with wrong magic") }
    let header = OptionHeader(code: OptionCode(rawValue: code), lengthBytes: lengthBytes)
    guard budget.spend(optionOf: lengthBytes) else {
      return abandon("too many or too large options")
    }
    guard clientFlags.contains(.fixedNewstyle) || header.code == .exportName else {
      return abandon("option \(code) from a client without fixed newstyle")
    }
    return admit(header)
  }

  /// Decides from the header alone whether the data is worth reading.
  private mutating func admit(_ header: OptionHeader) -> Step {
    if header.code == .setMetaContext { selection = nil }
    guard header.code == .abort || !isShuttingDown else {
      return refuse(header, .shutdown, "the server is shutting down")
    }
    switch header.code {
    case .exportName:
      guard header.lengthBytes <= ProtocolLimit.stringBytes else {
        return abandon("an export name of \(header.lengthBytes) bytes")
      }
    case .info, .go, .listMetaContext, .setMetaContext:
      guard header.lengthBytes <= limits.optionBytes else {
        return refuse(header, .tooBig, "at most \(limits.optionBytes) bytes of data are taken")
      }
    case .list, .structuredReply, .startTLS:
      guard header.lengthBytes == 0 else {
        return refuse(header, .invalid, "this option has no data")
      }
    case .abort: return abort(header)
    default: return refuse(header, .unsupported, "option \(header.code.rawValue) is not known")
    }
    phase = .optionData(header)
    return .again
  }

  private mutating func refuse(
    _ header: OptionHeader, _ reply: OptionReply, _ message: String
  ) -> Step {
    guard header.code != .exportName else { return abandon(message) }
    return beginSkip(header.lengthBytes, then: .refuseOption(header.code, reply, message))
  }

  /// Acknowledged even with data; nothing after it is read, so its data need not be skipped.
  private mutating func abort(_ header: OptionHeader) -> Step {
    output.writeAcknowledgement(of: header.code)
    input.clear()
    phase = .draining
    return .again
  }

  mutating func stepOptionData(_ header: OptionHeader) -> Step {
    guard let data = input.readSlice(length: Int(header.lengthBytes)) else { return .starved }
    phase = .option
    do {
      return try take(header.code, data)
    } catch {
      guard header.code != .exportName else { return abandon(error.reason) }
      output.writeOptionError(.invalid, to: header.code, message: error.reason)
      return .again
    }
  }

  private mutating func take(
    _ option: OptionCode, _ data: ByteBuffer
  ) throws(MalformedOption) -> Step {
    switch option {
    case .list: return ask(.list, .listExports)
    case .exportName:
      var data = data
      let name = try data.readProtocolString(lengthBytes: data.readableBytes, "export name")
      return ask(.exportName(name), .openExport(name: name))
    case .info, .go:
      let choice = try ExportChoice(decoding: data)
      return ask(.export(choice, option), .openExport(name: choice.name))
    case .listMetaContext, .setMetaContext:
      let queries = try ContextQueries(decoding: data)
      guard option == .listMetaContext || style != .simple else {
        throw MalformedOption(reason: "structured replies must be negotiated first")
      }
      return ask(.contexts(queries, option), .openExport(name: queries.exportName))
    case .structuredReply:
      style = .structured
      output.writeAcknowledgement(of: option)
    default:
      output.writeOptionError(.policy, to: option, message: "TLS is off on this server")
    }
    return .again
  }

  private mutating func ask(_ question: Question, _ action: Action) -> Step {
    phase = .catalogue(question)
    return .act(action)
  }

  /// Takes what the catalogue said to the question that was asked last.
  ///
  /// - Precondition: ``Action/listExports`` or ``Action/openExport(name:)`` is unanswered.
  package mutating func answer(_ answer: Answer) {
    guard case .catalogue(let question) = phase else {
      preconditionFailure("an answer without a question")
    }
    phase = .option
    switch question {
    case .list: answerList(answer)
    case .exportName(let name): answerExportName(name, answer)
    case .export(let choice, let option): answerExport(choice, option, answer)
    case .contexts(let queries, let option): answerContexts(queries, option, answer)
    }
  }

  private mutating func answerList(_ answer: Answer) {
    guard case .exports(let exports) = answer else {
      return refuse(.list, .platform, answer)
    }
    budget.allow(forListed: exports.count)
    for export in exports { output.writeListEntry(export) }
    output.writeAcknowledgement(of: .list)
  }

  /// EXPORT_NAME has no error reply: without an export, the connection ends.
  private mutating func answerExportName(_ name: String, _ answer: Answer) {
    guard case .opened(let export) = answer else {
      phase = .draining
      return
    }
    output.writeExportNameAnswer(
      export, style: style, withoutZeroes: clientFlags.contains(.noZeroes))
    phase = .entering(export, name: name)
  }

  private mutating func answerExport(
    _ choice: ExportChoice, _ option: OptionCode, _ answer: Answer
  ) {
    guard case .opened(let export) = answer else { return refuse(option, .unknown, answer) }
    output.writeExportInformation(export, style: style, to: option)
    if choice.information.contains(.name) {
      output.writeTextInformation(.name, export.name, to: option)
    }
    if choice.information.contains(.description) {
      output.writeTextInformation(.description, export.description, to: option)
    }
    if choice.information.contains(.blockSize) {
      output.writeBlockSizeInformation(BlockSizes(), to: option)
    }
    output.writeAcknowledgement(of: option)
    if option == .go { phase = .entering(export, name: choice.name) }
  }

  private mutating func answerContexts(
    _ queries: ContextQueries, _ option: OptionCode, _ answer: Answer
  ) {
    guard case .opened = answer else { return refuse(option, .unknown, answer) }
    let isSelection = option == .setMetaContext
    let contexts =
      isSelection
      ? MetaContext.selected(by: queries.queries) : MetaContext.listed(by: queries.queries)
    if isSelection { selection = (queries.exportName, contexts) }
    for context in contexts { output.writeMetaContext(context, to: option) }
    output.writeAcknowledgement(of: option)
  }

  private mutating func refuse(_ option: OptionCode, _ reply: OptionReply, _ answer: Answer) {
    if case .failed(let reason) = answer {
      output.writeOptionError(reply, to: option, message: reason)
    } else {
      output.writeOptionError(reply, to: option, message: "there is no such export")
    }
  }

  /// The first step after the answer to GO or EXPORT_NAME has been sent.
  mutating func enter(_ export: ExportProperties, name: String) -> Step {
    if let selection, selection.exportName == name { contexts = selection.contexts }
    phase = .transmission(
      RequestGate(sizeBytes: export.sizeBytes, style: style, hasContexts: !contexts.isEmpty))
    return .act(.begin)
  }
}
