import Logging
import NBDProtocol
import NIOCore
import NIOPosix

// Calls to the catalogue and to the volume. A call that does not block is made on the event loop,
// all others on a thread of a pool.
extension ConnectionHandler {
  // MARK: Catalogue

  func list(_ loop: any EventLoop) {
    let handler = NIOLoopBound(self, eventLoop: loop)
    let catalog = services.catalog
    services.librarians.submit { state in
      let answer: ServerConnection.Answer
      do {
        guard state == .active else { throw CancellationError() }
        answer = .exports(
          try catalog.list().map {
            ExportSummary(name: $0.name, description: $0.description)
          })
      } catch {
        answer = .failed(String(describing: error))
      }
      loop.execute {
        handler.value.finishListing()
        handler.value.answer(answer)
        handler.value.advance()
      }
    }
  }

  /// Opens an export. If the last opened export or the export of the last selection has the same
  /// name, it is used again. So GO finds the same content as the INFO or SET_META_CONTEXT before
  /// it, even if the name now stands for something else.
  func open(_ name: String, _ queries: [String], isSelection: Bool, _ loop: any EventLoop) {
    let known = [opened, selection?.export].compactMap(\.self).first { $0.name == name }
    if isSelection { selection = nil }
    if let known, queries.isEmpty {
      return took(.success((known, [])), of: name, isSelection: isSelection)
    }
    let handler = NIOLoopBound(self, eventLoop: loop)
    let (services, record, client) = (services, record, identity)
    services.librarians.submit { state in
      let result: Result<(OpenExport, [ExportContext])?, any Error> = Result {
        guard state == .active else { throw CancellationError() }
        let export = try known ?? services.open(name, for: client, record)
        guard let export else { return nil }
        return (export, try export.contexts(matching: queries))
      }
      loop.execute {
        if case .success((let export, let contexts)?) = result, isSelection {
          handler.value.reportUnknown(queries, among: contexts, of: export)
        }
        handler.value.took(result, of: name, isSelection: isSelection)
        handler.value.advance()
      }
    }
  }

  /// Logs queries for contexts that the export does not have. The protocol requires the server to
  /// ignore them, but the client may have made a mistake.
  private func reportUnknown(
    _ queries: [String], among contexts: [ExportContext], of export: OpenExport
  ) {
    let unknown = Set(queries).subtracting(contexts.map(\.name)).sorted()
    guard let first = unknown.first else { return }
    // The client chose these words, so they are shortened and stay on one line.
    let others = unknown.count > 1 ? " and \(unknown.count - 1) more" : ""
    services.report(
      .notice,
      "export \(export.properties.name) has no metadata context \(first.prefix(100).debugDescription)\(others)",
      of: record)
  }

  private func took(
    _ result: Result<(OpenExport, [ExportContext])?, any Error>, of name: String,
    isSelection: Bool
  ) {
    guard context != nil else { return }
    switch result {
    case .success((let export, let contexts)?):
      opened = export
      if isSelection { selection = ContextSelection(export: export, contexts: contexts) }
      answer(.opened(export.properties, contexts: contexts.map(\.name)))
    case .success(nil): answer(.noSuchExport)
    case .failure(let error as NoSuchExport):
      reportRefusal(of: name, error.reason)
      answer(.noSuchExport)
    case .failure(let error): answer(.failed(String(describing: error)))
    }
  }

  /// Logs a refused export, once for each name. A client may ask for its contexts, ask for its
  /// size, and try to enter it, and each of these requests is refused.
  private func reportRefusal(of name: String, _ reason: String) {
    guard refusedExport != name else { return }
    refusedExport = name
    services.report(.notice, "refused an export: \(reason)", of: record)
  }

  private func answer(_ answer: ServerConnection.Answer) {
    if case .failed(let reason) = answer {
      services.report(.error, "could not list or open exports: \(reason)", of: record)
    }
    machine.answer(answer)
  }

  private var identity: ClientIdentity {
    guard let channel = context?.channel else {
      return ClientIdentity(host: "", process: nil, tlsName: nil)
    }
    return ClientAddress.identity(of: channel, tlsName: record.activity.tlsName)
  }

  /// Ends the client's use of the export name, because the connection is gone. The client does not
  /// need the name any more if it disconnected in good order or has transferred no content.
  /// Otherwise it may connect again.
  func endUse() {
    guard let use else { return }
    self.use = nil
    let activity = record.activity
    let hasTransferred = activity.readBytes > 0 || activity.writtenBytes > 0
    services.names.left(use, isOrderly: machine.hasDisconnected || !hasTransferred)
  }

  func forgetExports() {
    opened = nil
    selection = nil
  }

  func enter(_ loop: any EventLoop) {
    // The state machine enters only an export that was opened.
    guard let opened else { return context?.close(promise: nil) ?? () }
    let own = selection.flatMap { $0.export === opened ? $0.contexts : nil } ?? []
    let handler = NIOLoopBound(self, eventLoop: loop)
    queue = WorkQueue(
      ExportAccess(opened, contexts: machine.contexts, own: own), on: services.readers
    ) {
      loop.execute { handler.value.finishWork() }
    }
    record.entered(opened.properties.name)
    let use = KeptNames.Use(
      client: identity, name: opened.name, canonicalName: opened.properties.name)
    services.names.entered(use)
    self.use = use
    services.report(.debug, "opened an export", of: record)
    forgetExports()
  }

  // MARK: Volume

  func perform(_ work: Work) {
    guard let queue else { return }
    let piece = (work, start: record.performed())
    if work.request.command == .read, let outcome = queue.access.cachedContent(for: work) {
      finish(piece, outcome)
    } else {
      due.append(piece)
    }
  }

  /// Passes pieces of work to the threads. Pieces that arrived together are passed together,
  /// because waking a thread takes longer than a small write.
  func handOver() {
    guard !due.isEmpty else { return }
    queue?.submit(due)
    due.removeAll(keepingCapacity: true)
  }

  /// Sends replies for finished work.
  func finishWork() {
    guard let queue else { return }
    workPolling.noteArrival(at: .now())
    for (piece, outcome) in queue.takeFinished() { finish(piece, outcome) }
    advance()
  }

  private func finish(_ piece: WorkQueue.Piece, _ outcome: Outcome) {
    let work = piece.work
    record.answered(piece, outcome)
    let completion = machine.finished(work, failure: outcome.failure)
    let frame = ReplyFrame(machine.style, to: work.request)
    switch outcome {
    case .content(let pieces):
      ReadReply(work: work, frame: frame, isLast: completion.isLast).append(pieces, to: &outbox)
    case .status(let statuses): reply(with: statuses, frame)
    case .failed(let refusal) where work.request.command == .read && work.split != nil:
      fail(work, refusal, frame, isLast: completion.isLast)
    case .done, .failed: conclude(completion, frame)
    }
  }

  /// Sends one chunk for each requested context.
  private func reply(
    with statuses: [(context: MetaContext, extents: [StatusExtent])], _ frame: ReplyFrame
  ) {
    for (index, status) in statuses.enumerated() {
      outbox.gather {
        $0.writeBlockStatusChunk(
          frame, isLast: index == statuses.count - 1, context: status.context,
          extents: status.extents)
      }
    }
  }

  /// Reports a failed part of a read with its offset. The other parts of the read remain valid.
  private func fail(_ work: Work, _ refusal: Refusal, _ frame: ReplyFrame, isLast: Bool) {
    report(refusal)
    outbox.gather {
      $0.writeErrorChunk(frame, isLast: isLast, offsetBytes: work.offsetBytes, refusal: refusal)
    }
  }

  /// Sends the single reply to a request, once all its pieces are done or have failed.
  private func conclude(_ completion: Completion, _ frame: ReplyFrame) {
    guard completion.isLast else { return }
    if let failure = completion.failure {
      report(failure)
      outbox.gather { $0.writeFailure(frame, refusal: failure) }
    } else {
      outbox.gather { $0.writeSuccess(frame) }
    }
  }

  /// Logs a failed request. "Zeroing is not fast" is a normal answer and is not logged.
  private func report(_ refusal: Refusal) {
    guard refusal.error != .notSupported else { return }
    services.report(.error, "a request failed: \(refusal.message)", of: record)
  }
}
