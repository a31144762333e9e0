import FileIO
import Synchronization

/// The states of a volume's blocks: pages of the state file, read when they are first wanted.
///
/// A page is dirty from ``reserve(_:)`` until what was written to the file is what the page is. As long,
/// ``PendingStates`` has what of it has changed. Clean pages are bounded; who changes states asks
/// ``hasTooManyDirtyPages`` and writes them when it is true.
final class StateTable: Sendable {
  /// How many pages of 4 KiB are held.
  struct Limits: Sendable {
    var cleanPages: Int
    var dirtyPages: Int
  }

  /// A page as it was at some moment.
  struct DirtyPage: Sendable {
    let number: UInt64
    let page: StatePage
    fileprivate let version: UInt64
  }

  fileprivate struct Held {
    var page: StatePage
    var isDirty = false
    /// Raised by every change.
    var version: UInt64 = 0
    var lastUse: UInt64
  }

  fileprivate struct State {
    var held: [UInt64: Held] = [:]
    var dirtyCount = 0
    var useCount: UInt64 = 0
  }

  private let file: StateFile
  /// Nil where nobody could find it again.
  private let pending: PendingStates?
  private let limits: Limits
  /// Held for the time it takes to look into a table: event loops come here too.
  private let state = Mutex(State())
  /// Held while a page is read, or given its room in the file: nobody may put back what another has
  /// changed and written meanwhile.
  private let loading = Mutex(())

  init(_ file: StateFile, pending: PendingStates?, limits: Limits) {
    self.file = file
    self.pending = pending
    self.limits = limits
  }

  // MARK: - Looking

  /// The states of `blocks` where all of them are at hand; never blocks longer than a look into a
  /// table.
  func heldRuns(of blocks: Range<UInt64>) -> [StateRun]? {
    if file.isUntouched { return [StateRun(blocks: blocks, state: .base)] }
    return state.withLock { state in
      var runs: [StateRun] = []
      var next = blocks.lowerBound
      while next < blocks.upperBound {
        guard let run = state.run(in: next..<blocks.upperBound) else { return nil }
        runs.join(run)
        next = run.blocks.upperBound
      }
      return runs
    }
  }

  /// The run of one state that `blocks` begins with; it may be cut short where a page ends. Blocks.
  ///
  /// Stretches that nobody has written to cost the same whatever their length, where the file system
  /// knows of holes.
  func firstRun(in blocks: Range<UInt64>) throws(OverlayError) -> StateRun {
    if let run = state.withLock({ $0.run(in: blocks) }) { return run }
    let page = PagePart(startOf: blocks)
    if blocks.upperBound > page.blocks.upperBound {
      // Pages in memory that are not in the file are all the base's too.
      let written = try file.firstWrittenPage(from: page.number)
      if written > page.number {
        let end = min(written * StatePage.blockCount, blocks.upperBound)
        return StateRun(blocks: blocks.lowerBound..<end, state: .base)
      }
    }
    return try load(page.number).run(in: page)
  }

  /// Whether all of `blocks` have the state `wanted`. Blocks.
  func hold(_ wanted: BlockState, in blocks: Range<UInt64>) throws(OverlayError) -> Bool {
    var next = blocks.lowerBound
    while next < blocks.upperBound {
      let run = try firstRun(in: next..<blocks.upperBound)
      guard run.state == wanted else { return false }
      next = run.blocks.upperBound
    }
    return true
  }

  private func load(_ number: UInt64) throws(OverlayError) -> StatePage {
    try loading.withLock { _ throws(OverlayError) in
      if let held = state.withLock({ $0.held[number]?.page }) { return held }
      let page = try file.page(number)
      state.withLock { $0.add(page, as: number, cleanLimit: limits.cleanPages) }
      return page
    }
  }

  // MARK: - Changing

  /// Sees to it that the states of `blocks` can be changed and written without wanting more room, so
  /// that a full file system is met by whoever writes, and not when it is too late. Blocks.
  ///
  /// - Throws: ``OverlayError`` with `.noSpace`.
  func reserve(_ blocks: Range<UInt64>) throws(OverlayError) {
    for part in PagePart.parts(of: blocks) { try reserve(page: part.number) }
  }

  private func reserve(page number: UInt64) throws(OverlayError) {
    if state.withLock({ $0.held[number]?.isDirty == true }) { return }
    try loading.withLock { _ throws(OverlayError) in
      let held = state.withLock { $0.held[number] }
      if held?.isDirty == true { return }
      let page = if let held { held.page } else { try file.page(number) }
      if page.isBase {
        try reportingFileErrors { () throws(FileError) in try file.write(page, to: number) }
      }
      // The page is clean: all that was pending is in the state file.
      try pending?.clear(page: number)
      state.withLock { $0.markDirty(number, page) }
    }
  }

  /// Gives `blocks` another state, which a killed process does not lose. Nobody else may change them
  /// meanwhile. Blocks.
  func set(_ blocks: Range<UInt64>, to new: BlockState) throws(OverlayError) {
    for part in PagePart.parts(of: blocks) {
      while !state.withLock({ $0.set(part, to: new) }) { try reserve(page: part.number) }
      // In this order: should a flush write the page and another thread clear what is pending of it in
      // between, the state is in the file already.
      try pending?.note(new, of: part.blocks)
    }
  }

  // MARK: - Writing

  var hasTooManyDirtyPages: Bool { state.withLock { $0.dirtyCount > limits.dirtyPages } }

  /// Pages in memory.
  var heldCount: Int { state.withLock { $0.held.count } }

  /// Every dirty page as it is now, in the order of the file.
  var dirtyPages: [DirtyPage] {
    state.withLock { state in
      state.held.lazy.filter { $0.value.isDirty }
        .map { DirtyPage(number: $0.key, page: $0.value.page, version: $0.value.version) }
        .sorted { $0.number < $1.number }
    }
  }

  /// `pages` are in the file: those that have not changed since are clean.
  func settle(_ pages: [DirtyPage]) {
    state.withLock { state in
      for page in pages where state.held[page.number]?.version == page.version {
        state.held[page.number]?.isDirty = false
        state.dirtyCount -= 1
      }
      state.evict(cleanLimit: limits.cleanPages)
    }
  }
}

/// The part of a page that some blocks lie in.
private struct PagePart {
  let number: UInt64
  let blocks: Range<UInt64>

  /// The page that the first of `blocks` lies in, from there to its end.
  init(startOf blocks: Range<UInt64>) {
    number = blocks.lowerBound / StatePage.blockCount
    let end = (number + 1) * StatePage.blockCount
    self.blocks = blocks.lowerBound..<min(end, blocks.upperBound)
  }

  /// The blocks as the page counts them.
  var indices: Range<UInt64> {
    let first = blocks.lowerBound % StatePage.blockCount
    return first..<first + UInt64(blocks.count)
  }

  static func parts(of blocks: Range<UInt64>) -> some Sequence<PagePart> {
    sequence(state: blocks.lowerBound) { next -> PagePart? in
      guard next < blocks.upperBound else { return nil }
      let part = PagePart(startOf: next..<blocks.upperBound)
      next = part.blocks.upperBound
      return part
    }
  }
}

extension StatePage {
  fileprivate func run(in part: PagePart) -> StateRun {
    let (first, limit) = (part.indices.lowerBound, part.indices.upperBound)
    let count = endOfRun(from: first, limit: limit) - first
    return StateRun(
      blocks: part.blocks.lowerBound..<part.blocks.lowerBound + count, state: self[first])
  }
}

extension [StateRun] {
  /// Adds a run that adjoins the last one.
  fileprivate mutating func join(_ run: StateRun) {
    if let last = indices.last, self[last].state == run.state {
      self[last].blocks = self[last].blocks.lowerBound..<run.blocks.upperBound
    } else {
      append(run)
    }
  }
}

extension StateTable.State {
  /// The run that `blocks` begins with, up to the end of its page; nil where the page is not at hand.
  fileprivate mutating func run(in blocks: Range<UInt64>) -> StateRun? {
    let part = PagePart(startOf: blocks)
    guard let page = held[part.number]?.page else { return nil }
    useCount += 1
    held[part.number]?.lastUse = useCount
    return page.run(in: part)
  }

  fileprivate mutating func add(_ page: StatePage, as number: UInt64, cleanLimit: Int) {
    evict(cleanLimit: cleanLimit)
    useCount += 1
    held[number] = StateTable.Held(page: page, lastUse: useCount)
  }

  /// - Parameter page: what the page is, should it not be at hand.
  fileprivate mutating func markDirty(_ number: UInt64, _ page: StatePage) {
    useCount += 1
    held[number, default: StateTable.Held(page: page, lastUse: useCount)].isDirty = true
    dirtyCount += 1
  }

  /// False where the page is not reserved.
  fileprivate mutating func set(_ part: PagePart, to new: BlockState) -> Bool {
    guard held[part.number]?.isDirty == true else { return false }
    useCount += 1
    held[part.number]?.page.set(part.indices, to: new)
    held[part.number]?.version += 1
    held[part.number]?.lastUse = useCount
    return true
  }

  /// Lets half of the clean pages go when there are too many, those that were not used for longest.
  fileprivate mutating func evict(cleanLimit: Int) {
    guard held.count - dirtyCount > cleanLimit else { return }
    let clean = held.filter { !$0.value.isDirty }.sorted { $0.value.lastUse < $1.value.lastUse }
    for (number, _) in clean.prefix(clean.count - cleanLimit / 2) { held[number] = nil }
  }
}
