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

  /// Decides from the header alone whether to read the data.
  private mutating func admit(_ header: OptionHeader) -> Step {
    guard tls != .require || isSecure || header.code == .startTLS || header.code == .abort else {
      return refuse(header, .tlsRequired, "this server wants TLS first: STARTTLS")
    }
    if header.code == .setMetaContext { selection = nil }
    guard header.code == .abort || !isShuttingDown else {
      return refuse(header, .shutdown, "the server is shutting down")
    }
    switch header.code {
    case .exportName:
      guard header.lengthBytes <= ProtocolLimit.stringBytes else {
        return abandon("an export name of \(header.lengthBytes) bytes")
      }
      guard style != .extended else {
        return abandon("EXPORT_NAME after extended headers were agreed")
      }
    case .info, .go, .listMetaContext, .setMetaContext:
      guard header.lengthBytes <= limits.optionBytes else {
        return refuse(header, .tooBig, "at most \(limits.optionBytes) bytes of data are taken")
      }
    case .list, .structuredReply, .extendedHeaders, .startTLS:
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
    return beginSkip(UInt64(header.lengthBytes), then: .refuseOption(header.code, reply, message))
  }

  /// Acknowledges ABORT, even if it has data. The server reads nothing after it, so it need not
  /// skip the data.
  private mutating func abort(_ header: OptionHeader) -> Step {
    output.writeAcknowledgement(of: header.code)
    input = ByteBuffer()
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
      return ask(.exportName(name), .opening(name))
    case .info, .go:
      let choice = try ExportChoice(decoding: data)
      return ask(.export(choice, option), .opening(choice.name))
    case .listMetaContext, .setMetaContext:
      let queries = try ContextQueries(decoding: data)
      guard option == .listMetaContext || style != .simple else {
        throw MalformedOption(reason: "structured replies must be negotiated first")
      }
      return askForContexts(queries, option)
    case .structuredReply: return agreeOnStructuredReplies()
    case .extendedHeaders:
      style = .extended
      output.writeAcknowledgement(of: option)
      return .again
    case .startTLS: return startTLS()
    default: throw MalformedOption(reason: "option \(option.rawValue) is not known")
    }
  }

  /// Extended headers take precedence. A client cannot go back to structured replies.
  private mutating func agreeOnStructuredReplies() -> Step {
    if style == .extended {
      output.writeOptionError(
        .extendedHeadersRequired, to: .structuredReply, message: "extended headers were agreed")
    } else {
      style = .structured
      output.writeAcknowledgement(of: .structuredReply)
    }
    return .again
  }

  private mutating func askForContexts(_ queries: ContextQueries, _ option: OptionCode) -> Step {
    let isSelection = option == .setMetaContext
    let own = queries.own(isSelection: isSelection)
    guard own.count <= MetaContext.queryLimit else {
      output.writeOptionError(
        .tooBig, to: option,
        message: "at most \(MetaContext.queryLimit) queries within \(MetaContext.ownNamespace)")
      return .again
    }
    return ask(
      .contexts(queries, option),
      .openExport(name: queries.exportName, queries: own, isSelection: isSelection))
  }

  private mutating func ask(_ question: Question, _ action: Action) -> Step {
    phase = .catalogue(question)
    return .act(action)
  }

  /// Takes the catalogue's answer to the last question, which was ``Action/listExports`` or
  /// ``Action/openExport(name:queries:isSelection:)``. Ignores an answer when no question is open.
  package mutating func answer(_ answer: Answer) {
    guard case .catalogue(let question) = phase else { return }
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

  /// EXPORT_NAME has no error reply. If there is no such export, the connection ends.
  private mutating func answerExportName(_ name: String, _ answer: Answer) {
    guard case .opened(let export, _) = answer else {
      phase = .draining
      return
    }
    output.writeExportNameAnswer(
      sizeBytes: export.sizeBytes, flags: flags(of: export, enteredAs: name),
      withoutZeroes: clientFlags.contains(.noZeroes))
    phase = .entering(export, name: name)
  }

  private mutating func answerExport(
    _ choice: ExportChoice, _ option: OptionCode, _ answer: Answer
  ) {
    guard case .opened(let export, _) = answer else { return refuse(option, .unknown, answer) }
    output.writeExportInformation(
      sizeBytes: export.sizeBytes, flags: flags(of: export, enteredAs: choice.name), to: option)
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
    guard case .opened(_, let own) = answer else { return refuse(option, .unknown, answer) }
    let isSelection = option == .setMetaContext
    let contexts = MetaContext.numbered(
      hasAllocation: isSelection ? queries.selectsAllocation : queries.listsAllocation, own: own)
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

  /// Returns the selected contexts, if the selection was for an export of this name.
  private func contexts(enteredAs name: String) -> [MetaContext] {
    guard let selection, selection.exportName == name else { return [] }
    return selection.contexts
  }

  private func flags(of export: ExportProperties, enteredAs name: String) -> TransmissionFlags {
    export.transmissionFlags(for: style, hasContexts: !contexts(enteredAs: name).isEmpty)
  }

  /// Starts the transmission phase, after the answer to GO or EXPORT_NAME has been sent.
  mutating func enter(_ export: ExportProperties, name: String) -> Step {
    contexts = contexts(enteredAs: name)
    phase = .transmission(
      RequestGate(
        sizeBytes: export.sizeBytes, style: style, isWritable: export.isWritable,
        contexts: contexts))
    return .act(.begin)
  }
}

extension ServerConnection.Action {
  /// Opens an export without a query for its contexts.
  fileprivate static func opening(_ name: String) -> Self {
    .openExport(name: name, queries: [], isSelection: false)
  }
}
