/// Recognises those who read a volume in order, several at once, and says what to read ahead of them.
///
/// A stream is recognised by its third request that begins at, or a little behind, the end of what it
/// has read; requests that overtake each other on the way, as those of clients with many in flight do,
/// stay part of it. The window doubles as a stream goes on. Random access makes no streams.
struct AccessPattern {
  /// What to read ahead, and for which stream.
  struct ReadAhead: Equatable {
    let range: Range<UInt64>
    let stream: UInt64
  }

  fileprivate struct Stream {
    let number: UInt64
    /// Behind the last byte read.
    var end: UInt64
    /// Behind the last byte read ahead.
    var aheadEnd: UInt64
    var windowBytes: UInt64
    var advances = 0
    /// Whether what it reads is not at hand as a rule.
    var isCold = true
    var lastUse: UInt64
  }

  static let streamLimit = 8
  static let firstWindowBytes: UInt64 = 1 << 20
  static let largestWindowBytes: UInt64 = 4 << 20
  /// The part of the cache that one stream may fill with what nobody has asked for so far: the streams
  /// together must not push out each other's.
  private static let shareOfCache: UInt64 = 16
  /// What a stream may skip at a time, in bytes: requests may arrive in another order than they were sent.
  static let toleranceBytes: UInt64 = 512 << 10
  /// Requests after the first that make a stream.
  static let advancesToBegin = 2

  private let windowLimitBytes: UInt64
  private var streams: [Stream] = []
  private var useCount: UInt64 = 0
  private var streamCount: UInt64 = 0

  /// A pattern of access through a cache of `cacheBytes`.
  init(cacheBytes: Int) {
    windowLimitBytes = min(Self.largestWindowBytes, UInt64(cacheBytes) / Self.shareOfCache)
  }

  /// Notes a request; `wasMiss` where its content was not at hand. Returns what to read ahead, if
  /// anything, before the end of the volume, `sizeBytes`.
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

  /// What was to be read ahead of a stream was all at hand: nothing more, until it misses something.
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

  /// Half a window at least, so that reads ahead are few and long.
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
