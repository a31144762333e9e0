import NBDProtocol
import NIOCore
import VolumeMap
import VolumeReader

/// What came of a piece of work.
enum Outcome: Sendable {
  case content([VolumePiece])
  /// One for each context that was asked about.
  case status([(context: MetaContext, extents: [StatusExtent])])
  /// Nothing to tell but success.
  case done
  case failed(Refusal)

  static let shutDown = failed(Refusal(.shutdown, "the server is shutting down"))

  var failure: Refusal? {
    if case .failed(let refusal) = self { refusal } else { nil }
  }
}

/// What a volume did that it must not do.
struct VolumeFault: Error, CustomStringConvertible {
  let description: String
}

/// What one connection does with the export that it has entered.
struct ExportAccess: Sendable {
  /// The most extents told at once for one context: a reply of half a MiB, or a whole one with
  /// extended headers. The specification's bound is 2^20; a client asks again from where the reply
  /// ends.
  private static let extentLimit = 1 << 16
  /// How much of one CACHE request is fetched; the cache is not much larger than a few of these.
  private static let prefetchLimitBytes: UInt64 = 32 << 20

  private let export: OpenExport
  private let sources: [UInt32: any StatusSource]

  private var volume: any ReadableVolume { export.shared.volume }
  private var writer: (any WritableVolume)? { export.shared.writer }

  /// - Parameters:
  ///   - contexts: those that the client may ask about.
  ///   - own: what answers for those that are not defined by the specification.
  init(_ export: OpenExport, contexts: [MetaContext], own: [ExportContext]) {
    self.export = export
    let allocation = ExportContext(
      name: MetaContext.allocation.name,
      source: AllocationStatus(volume: export.shared.volume))
    var sources: [UInt32: any StatusSource] = [:]
    for context in contexts {
      sources[context.id] = (own + [allocation]).first { $0.name == context.name }?.source
    }
    self.sources = sources
  }

  /// The answer to a read, if all of it is at hand. Does not block.
  func cachedContent(for work: Work) -> Outcome? {
    volume.cachedContent(of: work.range).map { pieces in
      attempt { .content(try Self.checked(pieces, for: work)) }
    }
  }

  /// Whether the work takes little more than copying, though it might block.
  func isQuick(_ work: Work) -> Bool {
    work.request.command == .write && !work.request.flags.contains(.forceUnitAccess)
      && writer?.isQuickToWrite(work.range) == true
  }

  /// Does the work, blocking.
  func perform(_ work: Work) -> Outcome {
    attempt {
      switch work.request.command {
      case .read:
        let pieces = try Self.checked(volume.content(of: work.range), for: work)
        return .content(pieces.withoutWaste())
      case .blockStatus:
        return .status(try work.contexts.map { ($0, try status(of: work, in: $0)) })
      case .cache: try prefetch(work.range)
      default: try change(work)
      }
      return .done
    }
  }

  private func attempt(_ body: () throws -> Outcome) -> Outcome {
    do {
      return try body()
    } catch {
      return .failed(Refusal(of: error))
    }
  }

  // MARK: Reading

  /// Pieces that do not add up would put the client out of step with the stream.
  private static func checked(
    _ pieces: [VolumePiece], for work: Work
  ) throws -> [VolumePiece] {
    let sum = pieces.reduce(0) { $0 + $1.lengthBytes }
    guard sum == work.lengthBytes, pieces.allSatisfy({ $0.lengthBytes > 0 }) else {
      throw VolumeFault(
        description: "\(work.lengthBytes) bytes at \(work.offsetBytes) came back as \(sum)")
    }
    return pieces
  }

  private func prefetch(_ range: Range<UInt64>) throws {
    let end = min(range.upperBound, range.lowerBound + Self.prefetchLimitBytes)
    var next = range.lowerBound
    while next < end {
      let step = min(ServerConnection.pieceBytes, end - next)
      _ = try volume.content(of: next..<next + step)
      next += step
    }
  }

  /// The status of the work's range, merged, clipped to it, and one extent only if so asked.
  private func status(of work: Work, in context: MetaContext) throws -> [StatusExtent] {
    let limit = work.request.flags.contains(.requestOne) ? 1 : Self.extentLimit
    let found = try sources[context.id]?.status(of: work.range, limit: limit) ?? []
    var extents: [StatusExtent] = []
    var left = work.lengthBytes
    for extent in found where left > 0 && extent.lengthBytes > 0 {
      let length = min(left, extent.lengthBytes)
      left -= length
      if extents.last?.flags == extent.flags {
        extents[extents.count - 1].lengthBytes += length
      } else if extents.count < limit {
        extents.append(StatusExtent(lengthBytes: length, flags: extent.flags))
      } else {
        break
      }
    }
    guard !extents.isEmpty else {
      throw VolumeFault(
        description: "there is no \(context.name) for \(work.lengthBytes) bytes at "
          + "\(work.offsetBytes)")
    }
    return extents
  }

  // MARK: Writing

  private func change(_ work: Work) throws {
    guard let writer else {
      throw VolumeFault(description: "the volume does not take writes")
    }
    let flags = work.request.flags
    switch work.request.command {
    case .write:
      guard let payload = work.payload else { throw VolumeFault(description: "nothing to write") }
      try payload.withUnsafeReadableBytes { try writer.write($0, at: work.offsetBytes) }
    case .writeZeroes: try writer.zero(work.range, mayTrim: !flags.contains(.noHole))
    case .trim: try writer.trim(work.range)
    default: return try writer.synchronize()
    }
    if flags.contains(.forceUnitAccess) { try writer.synchronize() }
  }
}

/// `base:allocation` of a volume.
private struct AllocationStatus: StatusSource {
  let volume: any ReadableVolume

  func status(of range: Range<UInt64>, limit: Int) throws -> [StatusExtent] {
    try volume.allocation(of: range, limit: limit).map { extent in
      let flags: AllocationFlags = extent.isHole ? [.hole, .zero] : []
      return StatusExtent(lengthBytes: extent.lengthBytes, flags: flags.rawValue)
    }
  }
}

extension Refusal {
  /// What a client is told of an error.
  fileprivate init(of error: any Error) {
    let isOutOfSpace = (error as? any VolumeWriteFailure)?.isOutOfSpace == true
    self.init(isOutOfSpace ? .noSpace : .inputOutput, String(describing: error))
  }
}
