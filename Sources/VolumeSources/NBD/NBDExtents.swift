import CNBD

/// What a server says of which parts of an export read as zeros, as far as it was asked.
///
/// Servers tell of many extents in one answer, which is kept until somebody asks for what lies behind it.
struct NBDExtents {
  /// (NBD protocol, "base:allocation" metadata context)
  static let context = "base:allocation"

  /// 1 GiB: how much is asked about at a time; lengths have 32 bits.
  private static let requestBytes: UInt64 = 1 << 30

  /// Where libnbd puts what a server answers.
  let answer: Answer

  private let sizeBytes: UInt64
  /// Ascending and adjoining.
  private var known: ArraySlice<(range: Range<UInt64>, isZero: Bool)> = []

  init(sizeBytes: UInt64, answer: Answer) {
    self.sizeBytes = sizeBytes
    self.answer = answer
  }

  func covers(_ offsetBytes: UInt64) -> Bool {
    guard let first = known.first, let last = known.last else { return false }
    return first.range.lowerBound <= offsetBytes && offsetBytes < last.range.upperBound
  }

  /// What to ask the server about. It may answer for less.
  func request(from offsetBytes: UInt64, _ blocks: NBDBlockSizes) -> Range<UInt64> {
    let limit = max(
      blocks.minimumBytes, Self.requestBytes / blocks.minimumBytes * blocks.minimumBytes)
    return offsetBytes..<offsetBytes + min(limit, sizeBytes - offsetBytes)
  }

  /// - Returns: false when the answer says nothing.
  mutating func takeAnswer(to request: Range<UInt64>) -> Bool {
    known = []
    var offset = request.lowerBound
    for (lengthBytes, flags) in answer.take() where lengthBytes > 0 && offset < request.upperBound {
      // The last extent may reach past what was asked about.
      let end = offset + min(UInt64(lengthBytes), request.upperBound - offset)
      let isZero = flags & UInt32(LIBNBD_STATE_ZERO) != 0
      if let last = known.last, last.isZero == isZero {
        known[known.endIndex - 1].range = last.range.lowerBound..<end
      } else {
        known.append((offset..<end, isZero))
      }
      offset = end
    }
    return !known.isEmpty
  }

  /// Forgets what was known up to the end of a range that is being written.
  mutating func forget(upTo range: Range<UInt64>) {
    guard let first = known.first, range.upperBound > first.range.lowerBound else { return }
    known = known.drop { $0.range.upperBound <= range.upperBound }
    guard let rest = known.first, rest.range.lowerBound < range.upperBound else { return }
    known[known.startIndex].range = range.upperBound..<rest.range.upperBound
  }

  /// What a range begins with. Its beginning must be known.
  func first(of range: Range<UInt64>) -> (range: Range<UInt64>, isZero: Bool) {
    // The last one that begins at or before the range.
    var (low, high) = (known.startIndex, known.endIndex)
    while high - low > 1 {
      let middle = (low + high) / 2
      if known[middle].range.lowerBound <= range.lowerBound { low = middle } else { high = middle }
    }
    let end = min(known[low].range.upperBound, range.upperBound)
    return (range.lowerBound..<end, known[low].isZero)
  }

  /// Takes the extents from libnbd's callback (nbd_block_status(3)).
  final class Answer {
    private var extents: [(lengthBytes: UInt32, flags: UInt32)] = []

    func take() -> [(lengthBytes: UInt32, flags: UInt32)] {
      defer { extents = [] }
      return extents
    }

    /// Good as long as this lives.
    var callback: nbd_extent_callback {
      nbd_extent_callback(
        callback: { user, context, _, entries, count, _ in
          guard let user, let context, let entries, String(cString: context) == NBDExtents.context
          else { return 0 }
          let answer = Unmanaged<Answer>.fromOpaque(user).takeUnretainedValue()
          for number in stride(from: 0, to: count - 1, by: 2) {
            answer.extents.append((entries[number], entries[number + 1]))
          }
          return 0
        },
        user_data: Unmanaged.passUnretained(self).toOpaque(), free: nil)
    }
  }
}
