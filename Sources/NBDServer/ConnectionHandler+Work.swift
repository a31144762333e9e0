import VolumeMap
import Logging
import NBDProtocol
import NIOCore
import VolumeReader
import NIOPosix

// What the connection asks of the catalogue and of the device: answered at once where that
// takes no waiting, else on a thread for it.
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
      loop.execute { handler.value.answer(answer) }
    }
  }

  /// The export opened last is kept, so that GO after INFO and SET_META_CONTEXT of the same name
  /// finds the same content, whatever the name has come to mean since.
  func open(_ name: String, _ loop: any EventLoop) {
    if let opened, opened.name == name {
      return machine.answer(.opened(opened.export.properties))
    }
    let handler = NIOLoopBound(self, eventLoop: loop)
    let services = services
    services.librarians.submit { state in
      let result = Result {
        guard state == .active else { throw CancellationError() }
        return try services.catalog.open(name).map(services.exports.acquire)
      }
      loop.execute { handler.value.took(result, name) }
    }
  }

  private func took(_ result: Result<SharedExport?, any Error>, _ name: String) {
    switch result {
    case .success(let export?):
      release()
      opened = (name, export)
      answer(.opened(export.properties))
      releaseIfUnused()
    case .success(nil): answer(.noSuchExport)
    case .failure(let error):
      answer(.failed(String(describing: error)))
    }
  }

  private func answer(_ answer: ServerConnection.Answer) {
    if case .failed(let reason) = answer {
      services.report(.error, "the catalogue failed: \(reason)", of: record)
    }
    machine.answer(answer)
    scheduleAdvance()
  }

  func enter() {
    guard let opened else { return }
    record.entered(opened.export.properties.name)
    services.report(.debug, "entered an export", of: record)
  }

  /// Gives the export back once the connection is gone and nothing of it is in flight.
  func releaseIfUnused() {
    if context == nil, machine.inFlightCount == 0 { release() }
  }

  private func release() {
    guard let export = opened?.export else { return }
    opened = nil
    let exports = services.exports
    services.librarians.submit { _ in exports.release(export) }
  }

  // MARK: Device

  func perform(_ work: Work, _ loop: any EventLoop) {
    guard let device = opened?.export.device else {
      preconditionFailure("work before an export was entered")
    }
    record.performed()
    if work.request.command == .read, let pieces = device.cachedContent(of: work.range) {
      return finish(work, device.outcome(of: pieces, for: work))
    }
    let handler = NIOLoopBound(self, eventLoop: loop)
    services.readers.submit { state in
      let outcome = state == .active ? device.perform(work) : .shutDown
      loop.execute {
        handler.value.finish(work, outcome)
        handler.value.scheduleAdvance()
        handler.value.releaseIfUnused()
      }
    }
  }

  private func finish(_ work: Work, _ outcome: Outcome) {
    let isLast = machine.finished(work)
    guard context != nil else { return }
    let cookie = work.request.cookie
    switch outcome {
    case .content(let pieces):
      ReadReply(work: work, style: machine.style, isLast: isLast).append(pieces, to: &outbox)
    case .extents(let extents):
      reply(with: extents, cookie: cookie)
    case .done:
      outbox.gather { $0.writeSuccess(machine.style, cookie: cookie) }
    case .failed(let refusal):
      fail(work, refusal, isLast: isLast)
    }
  }

  /// One chunk for each context that was selected; all of them tell allocation today.
  private func reply(with extents: [StatusExtent], cookie: UInt64) {
    for (index, context) in machine.contexts.enumerated() {
      let isLast = index == machine.contexts.count - 1
      outbox.gather {
        $0.writeBlockStatusChunk(
          cookie: cookie, isLast: isLast, context: context, extents: extents)
      }
    }
  }

  /// A part of a read that failed is reported with its offset, so that the other parts keep
  /// their worth.
  private func fail(_ work: Work, _ refusal: Refusal, isLast: Bool) {
    services.report(.error, "a request failed: \(refusal.message)", of: record)
    let cookie = work.request.cookie
    outbox.gather { bytes in
      if work.split != nil {
        bytes.writeErrorChunk(
          cookie: cookie, isLast: isLast, offsetBytes: work.offsetBytes, refusal: refusal)
      } else {
        bytes.writeFailure(machine.style, cookie: cookie, refusal: refusal)
      }
    }
  }
}

extension BlockDevice {
  /// What came of asking the cache.
  fileprivate func outcome(of pieces: [VolumePiece], for work: Work) -> Outcome {
    do {
      return .content(try checked(pieces, for: work))
    } catch {
      return .failed(Refusal(.inputOutput, String(describing: error)))
    }
  }
}
