import CNBD

/// The parts of an export that read as zeros, as far as the server was asked.
///
/// One answer of a server describes many extents. It is kept until an extent behind them is needed.
struct NBDExtents {
  /// The name of the metadata context. (NBD protocol, "base:allocation" metadata context)
  static let context = "base:allocation"

  /// The length of one request: 1 GiB. Lengths have 32 bits.
  private static let requestBytes: UInt64 = 1 << 30

  /// libnbd puts the server's answer here.
  let answer: Answer

  private let sizeBytes: UInt64
  /// The known extents, in order and without gaps.
  private var known: ArraySlice<(range: Range<UInt64>, isZero: Bool)> = []

  init(sizeBytes: UInt64, answer: Answer) {
    self.sizeBytes = sizeBytes
    self.answer = answer
  }

  func covers(_ offsetBytes: UInt64) -> Bool {
    guard let first = known.first, let last = known.last else { return false }
    return first.range.lowerBound <= offsetBytes && offsetBytes < last.range.upperBound
  }

  /// The next range for which the server should be asked. Its answer may cover less.
  func request(from offsetBytes: UInt64, _ blocks: NBDBlockSizes) -> Range<UInt64> {
    let limit = max(
      blocks.minimumBytes, Self.requestBytes / blocks.minimumBytes * blocks.minimumBytes)
    return offsetBytes..<offsetBytes + min(limit, sizeBytes - offsetBytes)
  }

  /// Replaces the known extents by the server's answer.
  ///
  /// - Returns: false if the answer has no extents.
  mutating func takeAnswer(to request: Range<UInt64>) -> Bool {
    known = []
    var offset = request.lowerBound
    for (lengthBytes, flags) in answer.take() where lengthBytes > 0 && offset < request.upperBound {
      // The last extent may reach past the end of the request.
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

  /// Forgets the extents up to the end of a range that is being written.
  mutating func forget(upTo range: Range<UInt64>) {
    guard let first = known.first, range.upperBound > first.range.lowerBound else { return }
    known = known.drop { $0.range.upperBound <= range.upperBound }
    guard let rest = known.first, rest.range.lowerBound < range.upperBound else { return }
    known[known.startIndex].range = range.upperBound..<rest.range.upperBound
  }

  /// The first part of a range that is of one kind. The beginning of the range must be known.
  func first(of range: Range<UInt64>) -> (range: Range<UInt64>, isZero: Bool) {
    // Find the last extent that begins at or before the range.
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

    /// The callback; valid as long as this object lives.
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
