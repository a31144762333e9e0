import NBDProtocol
import VolumeMap
import VolumeReader

/// What came of a piece of work.
enum Outcome: Sendable {
  case content([VolumePiece])
  case extents([StatusExtent])
  /// Nothing to tell but success.
  case done
  case failed(Refusal)

  static let shutDown = failed(Refusal(.shutdown, "the server is shutting down"))
}

/// What a device did that it must not do.
struct DeviceFault: Error, CustomStringConvertible {
  let description: String
}

extension BlockDevice {
  /// The most extents told at once: a reply of half a MiB. The specification's bound is 2^20; a
  /// client asks again from where the reply ends.
  static var extentLimit: Int { 1 << 16 }
  /// How much of one CACHE request is fetched; the cache is not much larger than a few of these.
  static var prefetchLimitBytes: UInt64 { 32 << 20 }

  /// Does the work, blocking.
  func perform(_ work: Work) -> Outcome {
    do {
      switch work.request.command {
      case .blockStatus: return .extents(try extents(of: work))
      case .cache:
        try prefetch(work.range)
        return .done
      default: return .content(try checked(content(of: work.range), for: work))
      }
    } catch {
      return .failed(Refusal(.inputOutput, String(describing: error)))
    }
  }

  /// Pieces that do not add up would put the client out of step with the stream.
  func checked(_ pieces: [VolumePiece], for work: Work) throws -> [VolumePiece] {
    let sum = pieces.reduce(0) { $0 + $1.lengthBytes }
    guard sum == UInt64(work.lengthBytes), pieces.allSatisfy({ $0.lengthBytes > 0 }) else {
      throw DeviceFault(
        description: "\(work.lengthBytes) bytes at \(work.offsetBytes) came back as \(sum)")
    }
    return pieces
  }

  private func prefetch(_ range: Range<UInt64>) throws {
    let end = min(range.upperBound, range.lowerBound + Self.prefetchLimitBytes)
    var next = range.lowerBound
    while next < end {
      let step = min(ServerConnection.pieceBytes, end - next)
      _ = try content(of: next..<next + step)
      next += step
    }
  }

  /// The status of the work's range, merged, clipped to it, and one extent only if so asked.
  private func extents(of work: Work) throws -> [StatusExtent] {
    let limit = work.request.flags.contains(.requestOne) ? 1 : Self.extentLimit
    let found = try allocation(of: work.range, limit: limit)
    var extents: [StatusExtent] = []
    var left = work.lengthBytes
    for extent in found where left > 0 && extent.lengthBytes > 0 {
      let length = UInt32(min(UInt64(left), extent.lengthBytes))
      let flags: AllocationFlags = extent.isHole ? [.hole, .zero] : []
      left -= length
      if let last = extents.last, last.flags == flags.rawValue {
        extents[extents.count - 1].lengthBytes += length
      } else if extents.count < limit {
        extents.append(StatusExtent(lengthBytes: length, flags: flags.rawValue))
      } else {
        break
      }
    }
    guard !extents.isEmpty else {
      throw DeviceFault(
        description: "the allocation of \(work.lengthBytes) bytes at \(work.offsetBytes) is empty")
    }
    return extents
  }
}
