/// What a power failure leaves of a file system, as far as nothing was synchronised: chosen at random
/// among all that real file systems do.
///
/// - Of a file's bytes that were not synchronised, each sector is as before or as after any of the
///   writes to it; the file has grown or not; where it has grown and nothing was written there are
///   zeros, or what somebody else left on the disk.
/// - Each name that was not synchronised is as before or as after any of the changes to it, whatever
///   became of other names. A rename, though, never loses its file: where the old name is gone the new
///   one is there.
struct CrashOutcome {
  private typealias Slot = SimulatedTree.Slot

  /// The states that a name may be found in, oldest first. They are counted from the beginning, so
  /// that those that can no more be found can be dropped.
  private struct History {
    struct State {
      let node: Int?
      /// Where the file went that had the name before: if this state is found, that one is, or a
      /// later one.
      var moved: (to: Slot, state: Int)?
    }

    var first = 0
    var states: [State]
    var last: Int { first + states.count - 1 }
  }

  fileprivate struct Contents {
    var durable: [UInt8]
    var pending: [(offset: Int, bytes: [UInt8], isLost: Bool)] = []
  }

  private var files: [Int: Contents] = [:]
  private var directories: Set<Int> = []
  private var names: [Slot: History] = [:]
  /// In the order of their first appearance: dictionaries have none that a seed repeats.
  private var slots: [Slot] = []

  /// - Parameter tree: what was durable before `operations`.
  init(of operations: some Sequence<SimulatedOperation>, after tree: SimulatedTree) {
    for (number, node) in tree.nodes.sorted(by: { $0.key < $1.key }) {
      switch node {
      case .file(let bytes): files[number] = Contents(durable: bytes)
      case .directory(let entries):
        directories.insert(number)
        for (name, child) in entries.sorted(by: { $0.key < $1.key }) {
          let slot = Slot(directory: number, name: name)
          slots.append(slot)
          names[slot] = History(states: [History.State(node: child)])
        }
      }
    }
    for operation in operations { note(operation) }
  }

  // MARK: - What was done

  private mutating func note(_ operation: SimulatedOperation) {
    switch operation {
    case .createFile(let number, let slot):
      files[number] = Contents(durable: [])
      change(slot, to: number)
    case .createDirectory(let number, let slot):
      directories.insert(number)
      change(slot, to: number)
    case .write(let number, let offset, let bytes):
      files[number]?.pending.append((offset, bytes, false))
    case .synchronizeData(let number):
      files[number]?.settle()
    case .failSynchronizeData(let number):
      files[number]?.lose()
    case .rename(let number, let source, let destination):
      guard source != destination else { return }
      change(destination, to: number)
      change(source, to: nil, moved: (destination, names[destination]?.last ?? 0))
    case .remove(let slot):
      change(slot, to: nil)
    case .synchronizeDirectory(let number):
      for slot in slots where slot.directory == number {
        settle(slot, at: names[slot]?.last ?? 0)
      }
    }
  }

  private mutating func change(_ slot: Slot, to node: Int?, moved: (to: Slot, state: Int)? = nil) {
    if names[slot] == nil {
      slots.append(slot)
      names[slot] = History(states: [History.State(node: nil)])
    }
    names[slot]?.states.append(History.State(node: node, moved: moved))
  }

  /// Rules out that `slot` is found in a state before `state`.
  private mutating func settle(_ slot: Slot, at state: Int) {
    guard let history = names[slot], state > history.first else { return }
    let dropped = state - history.first
    names[slot]?.states.removeFirst(dropped)
    names[slot]?.first = state
    for passed in history.states[1...dropped] {
      if let moved = passed.moved { settle(moved.to, at: moved.state) }
    }
  }

  // MARK: - What is left of it

  /// One outcome.
  mutating func choose(using random: inout SeededRandom) -> SimulatedTree {
    // Of all outcomes, those where everything or nothing is lost matter most.
    let (nameLuck, dataLuck) = (Luck(using: &random), Luck(using: &random))
    for slot in slots {
      guard let history = names[slot] else { continue }
      settle(slot, at: nameLuck.pick(history.first...history.last, using: &random))
    }
    var tree = SimulatedTree()
    for number in directories { tree.nodes[number] = .directory([:]) }
    for (number, contents) in files.sorted(by: { $0.key < $1.key }) {
      tree.nodes[number] = .file(contents.torn(dataLuck, using: &random))
    }
    for slot in slots { tree[slot] = names[slot]?.states.first?.node }
    return tree.withoutNameless()
  }

  fileprivate enum Luck {
    case none, some, all

    init(using random: inout SeededRandom) {
      self = [.none, .some, .some, .all].randomElement(using: &random) ?? .some
    }

    func pick(_ range: ClosedRange<Int>, using random: inout SeededRandom) -> Int {
      switch self {
      case .none: range.lowerBound
      case .some: Int.random(in: range, using: &random)
      case .all: range.upperBound
      }
    }
  }
}

extension CrashOutcome.Contents {
  fileprivate mutating func settle() {
    for write in pending where !write.isLost { durable.write(write.bytes, at: write.offset) }
    pending.removeAll { !$0.isLost }
  }

  fileprivate mutating func lose() {
    for index in pending.indices { pending[index].isLost = true }
  }

  /// The durable bytes with any part of what was written since.
  fileprivate func torn(
    _ luck: CrashOutcome.Luck, using random: inout SeededRandom
  ) -> [UInt8] {
    guard !pending.isEmpty else { return durable }
    let end = pending.reduce(durable.count) { max($0, $1.offset + $1.bytes.count) }
    var bytes = durable
    let size = luck.pick(durable.count...end, using: &random)
    let grown = size - durable.count
    bytes += Bool.random(using: &random) ? random.bytes(grown) : Array(repeating: 0, count: grown)
    let sectorBytes = [512, 4096].randomElement(using: &random) ?? 512
    for start in stride(from: 0, to: size, by: sectorBytes) {
      let sector = start..<min(start + sectorBytes, size)
      let writes = pending.filter {
        $0.offset < sector.upperBound && $0.offset + $0.bytes.count > sector.lowerBound
      }
      guard !writes.isEmpty else { continue }
      for write in writes.prefix(luck.pick(0...writes.count, using: &random)) {
        let part = sector.clamped(to: write.offset..<write.offset + write.bytes.count)
        bytes.replaceSubrange(
          part, with: write.bytes[part.lowerBound - write.offset..<part.upperBound - write.offset])
      }
    }
    return bytes
  }
}

extension SimulatedTree {
  /// The tree without the nodes that no name leads to.
  fileprivate func withoutNameless() -> SimulatedTree {
    var kept = SimulatedTree()
    kept.nodes = [:]
    var waiting = [Self.root]
    while let number = waiting.popLast() {
      kept.nodes[number] = nodes[number]
      waiting += (directory(number) ?? [:]).values
    }
    while kept.nextNumber <= nodes.keys.max() ?? 0 { _ = kept.takeNumber() }
    return kept
  }
}
