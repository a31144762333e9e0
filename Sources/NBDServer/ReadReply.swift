import VolumeMap
import NBDProtocol
import NIOCore
import VolumeReader

/// The reply to a read, or to a piece of one.
struct ReadReply {
  let work: Work
  let frame: ReplyFrame
  /// Nothing more is owed for the request after this.
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

  /// One chunk for every run of pieces of a kind.
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

  /// - Returns: where the chunk ends.
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
