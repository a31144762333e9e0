import VolumeMap
import NBDProtocol
import NIOCore
import VolumeReader

/// The reply to a read, or to one piece of a read.
struct ReadReply {
  let work: Work
  let frame: ReplyFrame
  /// Whether this is the last part of the reply to the request.
  let isLast: Bool

  /// Appends the reply. The pieces must tile `Work/range`.
  func append(_ pieces: [VolumePiece], to outbox: inout Outbox) {
    guard frame.style != .simple else {
      outbox.gather { $0.writeSimpleReply(frame, error: nil) }
      return appendContent(pieces[...], to: &outbox)
    }
    let isUnfragmented = work.request.flags.contains(.dontFragment)
    guard !isUnfragmented || pieces.allSatisfy(\.isHole) else {
      appendChunk(pieces[...], at: work.offsetBytes, isLast: true, to: &outbox)
      return
    }
    appendChunks(pieces, to: &outbox)
  }

  /// Appends one chunk for every run of data pieces or of holes.
  private func appendChunks(_ pieces: [VolumePiece], to outbox: inout Outbox) {
    var offsetBytes = work.offsetBytes
    var rest = pieces[...]
    while let first = rest.first {
      let end = rest.firstIndex { $0.isHole != first.isHole } ?? rest.endIndex
      let run = rest[..<end]
      rest = rest[end...]
      offsetBytes = appendChunk(
        run, at: offsetBytes, isLast: isLast && rest.isEmpty, to: &outbox)
    }
  }

  /// Appends one chunk.
  ///
  /// - Returns: the end offset of the chunk.
  @discardableResult
  private func appendChunk(
    _ run: ArraySlice<VolumePiece>, at offsetBytes: UInt64, isLast: Bool, to outbox: inout Outbox
  ) -> UInt64 {
    let lengthBytes = UInt32(run.reduce(0) { $0 + $1.lengthBytes })
    if run.allSatisfy(\.isHole) {
      outbox.gather {
        $0.writeHoleChunk(
          frame, isLast: isLast, offsetBytes: offsetBytes, lengthBytes: lengthBytes)
      }
    } else {
      outbox.gather {
        $0.writeDataChunkHeader(
          frame, isLast: isLast, offsetBytes: offsetBytes, lengthBytes: lengthBytes)
      }
      appendContent(run, to: &outbox)
    }
    return offsetBytes + UInt64(lengthBytes)
  }

  private func appendContent(_ pieces: ArraySlice<VolumePiece>, to outbox: inout Outbox) {
    for piece in pieces {
      switch piece {
      case .data(let bytes): outbox.append(bytes)
      case .hole(let lengthBytes): outbox.appendZeros(count: Int(lengthBytes))
      }
    }
  }
}

extension VolumePiece {
  fileprivate var isHole: Bool {
    if case .hole = self { true } else { false }
  }
}
