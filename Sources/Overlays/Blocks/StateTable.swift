import FileIO
import Synchronization

/// The states of a volume's blocks. Pages of the state file are read on first use.
///
/// A page is dirty from ``reserve(_:)`` until the file contains its current state. During that
/// time, ``PendingStates`` has the changes. The number of clean pages is limited. After a change,
/// the caller checks ``hasTooManyDirtyPages``, and writes the dirty pages if it is true.
final class StateTable: Sendable {
  /// The number of pages of 4 KiB in memory.
  struct Limits: Sendable {
    var cleanPages: Int
    var dirtyPages: Int
  }

  /// A copy of a page at a certain time.
  struct DirtyPage: Sendable {
    let number: UInt64
    let page: StatePage
    fileprivate let version: UInt64
  }

  fileprivate struct Held {
    var page: StatePage
    var isDirty = false
    /// Incremented by every change.
    var version: UInt64 = 0
    var lastUse: UInt64
  }

  fileprivate struct State {
    var held: [UInt64: Held] = [:]
    var dirtyCount = 0
    var useCount: UInt64 = 0
  }

  private let file: StateFile
  /// Nil if no other process can find the overlay again.
  private let pending: PendingStates?
  private let limits: Limits
  /// Held only for a table lookup, because event loops use it as well.
  private let state = Mutex(State())
  /// Held while a page is read, or while its space in the file is allocated. Otherwise an old copy
  /// could replace a page that another thread has changed and written in between.
  private let loading = Mutex(())

  init(_ file: StateFile, pending: PendingStates?, limits: Limits) {
    self.file = file
    self.pending = pending
    self.limits = limits
  }

  // MARK: - Reading states

  /// Returns the states of `blocks` if all of them are in memory. Never blocks for longer than a
  /// table lookup.
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

  /// Returns the run of equal states at the start of `blocks`. It may end early at the end of a
  /// page. Blocks.
  ///
  /// The cost of a range that was never written does not depend on its length, if the file system
  /// supports holes.
  func firstRun(in blocks: Range<UInt64>) throws(OverlayError) -> StateRun {
    if let run = state.withLock({ $0.run(in: blocks) }) { return run }
    let page = PagePart(startOf: blocks)
    if blocks.upperBound > page.blocks.upperBound {
      // Pages in memory that are not in the file have only "base" as well.
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

  // MARK: - Changing states

  /// Makes sure that the states of `blocks` can be changed and written without further space. So a
  /// full file system fails the write, and not a later flush. Blocks.
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
      // The page is clean: the state file has all former pending states.
      try pending?.clear(page: number)
      state.withLock { $0.markDirty(number, page) }
    }
  }

  /// Sets the state of `blocks`. The change survives the death of the process. The caller must have
  /// locked the blocks. Blocks.
  func set(_ blocks: Range<UInt64>, to new: BlockState) throws(OverlayError) {
    for part in PagePart.parts(of: blocks) {
      while !state.withLock({ $0.set(part, to: new) }) { try reserve(page: part.number) }
      // The order matters. A flush may write the page, and another thread may then clear its
      // pending states. In that case the state is already in the file.
      try pending?.note(new, of: part.blocks)
    }
  }

  // MARK: - Writing states

  var hasTooManyDirtyPages: Bool { state.withLock { $0.dirtyCount > limits.dirtyPages } }

  /// The number of pages in memory.
  var heldCount: Int { state.withLock { $0.held.count } }

  /// Copies of all dirty pages, in the order of the file.
  var dirtyPages: [DirtyPage] {
    state.withLock { state in
      state.held.lazy.filter { $0.value.isDirty }
        .map { DirtyPage(number: $0.key, page: $0.value.page, version: $0.value.version) }
        .sorted { $0.number < $1.number }
    }
  }

  /// Notes that `pages` are in the file. Pages that have not changed since then become clean.
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

/// A part of a page.
private struct PagePart {
  let number: UInt64
  let blocks: Range<UInt64>

  /// Creates the part of the page that contains the first of `blocks`, up to the end of the page.
  init(startOf blocks: Range<UInt64>) {
    number = blocks.lowerBound / StatePage.blockCount
    let end = (number + 1) * StatePage.blockCount
    self.blocks = blocks.lowerBound..<min(end, blocks.upperBound)
  }

  /// The positions of the blocks in the page.
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
  /// Appends a run that is adjacent to the last one.
  fileprivate mutating func join(_ run: StateRun) {
    if let last = indices.last, self[last].state == run.state {
      self[last].blocks = self[last].blocks.lowerBound..<run.blocks.upperBound
    } else {
      append(run)
    }
  }
}

extension StateTable.State {
  /// Returns the run at the start of `blocks`, up to the end of its page. Nil if the page is not in
  /// memory.
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

  /// Marks a page as dirty.
  ///
  /// - Parameter page: the content of the page, used if it is not in memory.
  fileprivate mutating func markDirty(_ number: UInt64, _ page: StatePage) {
    useCount += 1
    held[number, default: StateTable.Held(page: page, lastUse: useCount)].isDirty = true
    dirtyCount += 1
  }

  /// Returns false if the page is not reserved.
  fileprivate mutating func set(_ part: PagePart, to new: BlockState) -> Bool {
    guard held[part.number]?.isDirty == true else { return false }
    useCount += 1
    held[part.number]?.page.set(part.indices, to: new)
    held[part.number]?.version += 1
    held[part.number]?.lastUse = useCount
    return true
  }

  /// If there are too many clean pages, removes those that were not used for the longest time, down
  /// to half of the limit.
  fileprivate mutating func evict(cleanLimit: Int) {
    guard held.count - dirtyCount > cleanLimit else { return }
    let clean = held.filter { !$0.value.isDirty }.sorted { $0.value.lastUse < $1.value.lastUse }
    for (number, _) in clean.prefix(clean.count - cleanLimit / 2) { held[number] = nil }
  }
}
