import NBDProtocol
import NIOCore
import VolumeMap
import VolumeReader

/// The result of a piece of work.
enum Outcome: Sendable {
  case content([VolumePiece])
  /// One entry for each requested context.
  case status([(context: MetaContext, extents: [StatusExtent])])
  /// Success without data.
  case done
  case failed(Refusal)

  static let shutDown = failed(Refusal(.shutdown, "the server is shutting down"))

  var failure: Refusal? {
    if case .failed(let refusal) = self { refusal } else { nil }
  }
}

/// A volume has violated its contract.
struct VolumeFault: Error, CustomStringConvertible {
  let description: String
}

/// Carries out the requests of one connection on the export that it has entered.
struct ExportAccess: Sendable {
  /// The most extents in a reply for one context. Such a reply takes 512 KiB, or 1 MiB with
  /// extended headers. The specification allows 2^20 extents. A client asks again for the rest.
  private static let extentLimit = 1 << 16
  /// How much of one CACHE request is fetched. The cache is not much larger than a few of these.
  private static let prefetchLimitBytes: UInt64 = 32 << 20

  private let export: OpenExport
  private let sources: [UInt32: any StatusSource]

  private var volume: any ReadableVolume { export.shared.volume }
  private var writer: (any WritableVolume)? { export.shared.writer }

  /// Creates the access of one connection to its export.
  ///
  /// - Parameters:
  ///   - contexts: the contexts that the client may ask about.
  ///   - own: the sources of the contexts that the specification does not define.
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

  /// Returns the answer to a read, if all of it is cached. Does not block.
  func cachedContent(for work: Work) -> Outcome? {
    volume.cachedContent(of: work.range).map { pieces in
      attempt { .content(try Self.checked(pieces, for: work)) }
    }
  }

  /// Whether the work takes little more time than copying. It may still block.
  func isQuick(_ work: Work) -> Bool {
    work.request.command == .write && !work.request.flags.contains(.forceUnitAccess)
      && writer?.isQuickToWrite(work.range) == true
  }

  /// Carries out the work. Blocks.
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

  /// Checks that the pieces have the right total length. Otherwise the client would lose its
  /// position in the reply stream.
  private static func checked(
    _ pieces: [VolumePiece], for work: Work
  ) throws -> [VolumePiece] {
    let sum = pieces.reduce(0) { $0 + $1.lengthBytes }
    guard sum == work.lengthBytes, pieces.allSatisfy({ $0.lengthBytes > 0 }) else {
      throw VolumeFault(
        description:
          "expected \(work.lengthBytes) bytes at offset \(work.offsetBytes), found \(sum)")
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

  /// Returns the block status of the requested range. Neighbouring extents of equal status are merged.
  /// Extents end with the range. If the client set NBD_CMD_FLAG_REQ_ONE, there is only one.
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
      throw VolumeFault(description: "the volume is read-only")
    }
    let flags = work.request.flags
    switch work.request.command {
    case .write:
      guard let payload = work.payload else {
        throw VolumeFault(description: "the write request has no data")
      }
      try payload.withUnsafeReadableBytes { try writer.write($0, at: work.offsetBytes) }
    case .writeZeroes: try writer.zero(work.range, mayTrim: !flags.contains(.noHole))
    case .trim: try writer.trim(work.range)
    default: return try writer.synchronize()
    }
    if flags.contains(.forceUnitAccess) { try writer.synchronize() }
  }
}

/// Answers `base:allocation` for a volume.
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
  /// Creates the error for the client from an error of the volume.
  fileprivate init(of error: any Error) {
    let isOutOfSpace = (error as? any VolumeWriteFailure)?.isOutOfSpace == true
    self.init(isOutOfSpace ? .noSpace : .inputOutput, String(describing: error))
  }
}
