/// Detects sequential reads of a volume, also several at once, and decides what to read ahead.
///
/// Three requests make a stream, if each begins near the end of the one before. Requests may
/// overtake each other, as those of clients with many requests in flight do. The window doubles
/// while a stream continues. Random access creates no streams.
struct AccessPattern {
  /// A range to read ahead, and its stream.
  struct ReadAhead: Equatable {
    let range: Range<UInt64>
    let stream: UInt64
  }

  fileprivate struct Stream {
    let number: UInt64
    /// The end of the last read.
    var end: UInt64
    /// The end of the last read-ahead.
    var aheadEnd: UInt64
    var windowBytes: UInt64
    var advances = 0
    /// Whether the content that the stream reads is usually not cached.
    var isCold = true
    var lastUse: UInt64
  }

  static let streamLimit = 8
  static let firstWindowBytes: UInt64 = 1 << 20
  static let largestWindowBytes: UInt64 = 4 << 20
  /// The largest share of the cache that one stream may fill with content that nobody has requested
  /// yet. It is small, so that streams do not evict each other's content.
  private static let shareOfCache: UInt64 = 16
  /// How many bytes a request may begin before or after the end of its stream, because requests may
  /// arrive out of order.
  static let toleranceBytes: UInt64 = 512 << 10
  /// The number of requests after the first that make a stream.
  static let advancesToBegin = 2

  private let windowLimitBytes: UInt64
  private var streams: [Stream] = []
  private var useCount: UInt64 = 0
  private var streamCount: UInt64 = 0

  /// Creates the detector for a cache of `cacheBytes`.
  init(cacheBytes: Int) {
    windowLimitBytes = min(Self.largestWindowBytes, UInt64(cacheBytes) / Self.shareOfCache)
  }

  /// Notes a request. `wasMiss` means that its content was not cached. Returns the range to read
  /// ahead, if any, which ends at `sizeBytes`, the end of the volume, at the latest.
  mutating func note(
    _ range: Range<UInt64>, wasMiss: Bool, sizeBytes: UInt64
  ) -> ReadAhead? {
    useCount += 1
    guard let index = streams.firstIndex(where: { $0.isContinued(by: range) }) else {
      begin(at: range.upperBound)
      return nil
    }
    streams[index].lastUse = useCount
    if wasMiss { streams[index].isCold = true }
    guard range.upperBound > streams[index].end else { return nil }
    streams[index].end = range.upperBound
    streams[index].advances += 1
    return streams[index].nextReadAhead(sizeBytes: sizeBytes, windowLimitBytes: windowLimitBytes)
  }

  /// Notes that the whole range of a read-ahead was already cached. The stream then reads nothing
  /// ahead until its next miss.
  mutating func noteNothingToDo(_ readAhead: ReadAhead) {
    if let index = streams.firstIndex(where: { $0.number == readAhead.stream }) {
      streams[index].isCold = false
    }
  }

  private mutating func begin(at end: UInt64) {
    streamCount += 1
    let stream = Stream(
      number: streamCount, end: end, aheadEnd: end,
      windowBytes: min(Self.firstWindowBytes, windowLimitBytes), lastUse: useCount)
    if streams.count < Self.streamLimit {
      streams.append(stream)
    } else {
      let oldest = streams.indices.min { streams[$0].lastUse < streams[$1].lastUse }
      streams[oldest!] = stream
    }
  }
}

extension AccessPattern.Stream {
  fileprivate func isContinued(by range: Range<UInt64>) -> Bool {
    let tolerance = AccessPattern.toleranceBytes
    return range.lowerBound <= end + tolerance && range.lowerBound + tolerance >= end
  }

  /// Returns the next range to read ahead. It is at least half a window, so that reads ahead are
  /// few and long.
  fileprivate mutating func nextReadAhead(
    sizeBytes: UInt64, windowLimitBytes: UInt64
  ) -> AccessPattern.ReadAhead? {
    guard isCold, advances >= AccessPattern.advancesToBegin else { return nil }
    let start = max(aheadEnd, end)
    let stop = min(end + windowBytes, sizeBytes)
    guard start < stop, stop - start >= windowBytes / 2 || stop == sizeBytes else { return nil }
    aheadEnd = stop
    windowBytes = min(windowBytes * 2, windowLimitBytes)
    return AccessPattern.ReadAhead(range: start..<stop, stream: number)
  }
}
