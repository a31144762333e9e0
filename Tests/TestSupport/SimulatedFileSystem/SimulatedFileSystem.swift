package import FileIO
package import SystemPackage
import Workers

/// A file system in memory that can crash, and that fails when told to.
///
/// It records what is done to it. ``afterPowerFailure(at:using:)`` gives the file system as it may be
/// found when the power failed after any number of these operations; ``afterKill(at:)`` as the other
/// processes see it when this process ended there.
package final class SimulatedFileSystem: FileSystem {
  struct State {
    var tree: SimulatedTree
    /// What was durable when recording began.
    let start: SimulatedTree
    var operations: [SimulatedOperation] = []
    var calledChanges = 0
    var faults: (@Sendable (SimulatedCall) -> Errno?)?
    var capacityBytes: Int?
    var locks: [Int: [ObjectIdentifier: LockMode]] = [:]
  }

  let state: Monitor<State>
  /// Counted from 0.
  private let boot: Int

  /// An empty file system.
  package convenience init() {
    self.init(start: SimulatedTree(), operations: [], boot: 0)
  }

  private init(start: SimulatedTree, operations: some Sequence<SimulatedOperation>, boot: Int) {
    self.boot = boot
    var tree = start
    for operation in operations { operation.apply(to: &tree) }
    while tree.nextNumber <= tree.nodes.keys.max() ?? 0 { _ = tree.takeNumber() }
    state = Monitor(State(tree: tree, start: start, operations: Array(operations)))
  }

  // MARK: - Crashes

  /// Operations recorded so far.
  package var operationCount: Int { state.withLock { $0.operations.count } }

  /// How many operations had been done after each renaming: where mistakes in the order show.
  package var countsAfterRenaming: [Int] {
    state.withLock { state in
      state.operations.indices.filter { state.operations[$0].isRenaming }.map { $0 + 1 }
    }
  }

  /// The file system after the power failed when `count` operations had been done; one of the many
  /// outcomes, all of it durable.
  package func afterPowerFailure(
    at count: Int, using random: inout SeededRandom
  ) -> SimulatedFileSystem {
    let (start, operations) = state.withLock { ($0.start, $0.operations.prefix(count)) }
    var outcome = CrashOutcome(of: operations, after: start)
    return SimulatedFileSystem(
      start: outcome.choose(using: &random), operations: [], boot: boot + 1)
  }

  /// The file system after all processes ended when `count` operations had been done: nothing is
  /// lost, but what was not synchronised is not yet durable either.
  package func afterKill(at count: Int) -> SimulatedFileSystem {
    let (start, operations) = state.withLock { ($0.start, $0.operations.prefix(count)) }
    return SimulatedFileSystem(start: start, operations: operations, boot: boot)
  }

  // MARK: - Failures

  /// Lets each call fail for which `faults` names an error; it has no effect then, except that a
  /// write may have written a part and a failed `fdatasync` loses track of what was written.
  package func setFaults(_ faults: (@Sendable (SimulatedCall) -> Errno?)?) {
    state.withLock { $0.faults = faults }
  }

  /// Lets writing fail with ENOSPC when the files together would exceed `bytes`.
  package func setCapacity(bytes: Int?) {
    state.withLock { $0.capacityBytes = bytes }
  }

  /// Bytes in all files.
  package var usedBytes: Int { state.withLock { $0.tree.usedBytes } }

  /// Changes called for so far, failed ones included; see ``SimulatedCall/number``.
  package var calledChanges: Int { state.withLock { $0.calledChanges } }

  // MARK: - FileSystem

  package func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    try perform(.createFile, "create", path) { state throws(Errno) in
      let slot = try state.tree.slot(of: path)
      guard state.tree[slot] == nil else { throw .fileExists }
      let number = state.tree.takeNumber()
      state.record(.createFile(number, slot))
      return SimulatedFile(path: path, node: number, access: .readingAndWriting, in: self)
    }
  }

  package func openFile(
    _ path: FilePath, for access: FileAccess
  ) throws(FileError) -> any OpenFile {
    try perform(.openFile, "open", path) { state throws(Errno) in
      let number = try state.tree.node(at: path)
      guard state.tree.file(number) != nil || access == .reading else { throw .isDirectory }
      return SimulatedFile(path: path, node: number, access: access, in: self)
    }
  }

  package func createDirectory(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) {
    try perform(.createDirectory, "create directory", path) { state throws(Errno) in
      let slot = try state.tree.slot(of: path)
      guard state.tree[slot] == nil else { throw .fileExists }
      state.record(.createDirectory(state.tree.takeNumber(), slot))
    }
  }

  package func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry] {
    try perform(.list, "list", directory) { state throws(Errno) in
      guard let names = state.tree.directory(try state.tree.node(at: directory)) else {
        throw .notDirectory
      }
      return names.sorted { $0.key < $1.key }.map { name, number in
        DirectoryEntry(name: name, kind: state.tree.file(number) == nil ? .directory : .file)
      }
    }
  }

  package func metadata(of path: FilePath) throws(FileError) -> FileMetadata {
    try perform(.metadata, "stat", path) { state throws(Errno) in
      let number = try state.tree.node(at: path)
      let file = state.tree.file(number)
      return FileMetadata(
        kind: file == nil ? .directory : .file, sizeBytes: UInt64(file?.count ?? 0),
        modified: FileTime(seconds: Int64(state.lastChange(ofNamesIn: number)), nanoseconds: 0),
        device: 1, inode: UInt64(number), allocatedBytes: UInt64(file?.count ?? 0))
    }
  }

  package func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try perform(.rename, "rename", source, to: destination) { state throws(Errno) in
      let (from, to) = (try state.tree.slot(of: source), try state.tree.slot(of: destination))
      guard let number = state.tree[from] else { throw .noSuchFileOrDirectory }
      if let replaced = state.tree[to], replaced != number {
        try state.tree.checkReplacing(replaced, by: number)
      }
      state.record(.rename(number, from: from, to: to))
    }
  }

  package func remove(_ path: FilePath) throws(FileError) {
    try perform(.remove, "remove", path) { state throws(Errno) in
      let slot = try state.tree.slot(of: path)
      guard let number = state.tree[slot] else { throw .noSuchFileOrDirectory }
      guard state.tree.directory(number)?.isEmpty ?? true else { throw .directoryNotEmpty }
      state.record(.remove(slot))
    }
  }

  package func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    try perform(.synchronizeDirectory, "synchronise directory", path) { state throws(Errno) in
      let number = try state.tree.node(at: path)
      guard state.tree.directory(number) != nil else { throw .notDirectory }
      state.record(.synchronizeDirectory(number))
    }
  }

  package func bootID() -> String { "boot-\(boot)" }

  private func perform<Result: Sendable>(
    _ kind: SimulatedCall.Kind, _ operation: String, _ path: FilePath,
    to destination: FilePath? = nil,
    _ body: (inout State) throws(Errno) -> Result
  ) throws(FileError) -> Result {
    do throws(Errno) {
      return try state.withLock { state throws(Errno) in
        try state.call(kind, path)
        return try body(&state)
      }
    } catch {
      throw FileError(operation: operation, path: path, destination: destination, errno: error)
    }
  }
}

extension SimulatedFileSystem.State {
  /// Counts a call, and lets it fail where that is wished.
  mutating func call(_ kind: SimulatedCall.Kind, _ path: FilePath) throws(Errno) {
    let call = SimulatedCall(kind: kind, path: path, number: calledChanges)
    if kind.isChange { calledChanges += 1 }
    if let error = faults?(call) { throw error }
  }

  mutating func record(_ operation: SimulatedOperation) {
    operation.apply(to: &tree)
    operations.append(operation)
  }

  /// How many operations there were up to the last that changed a name in the directory `number`: time
  /// goes by in operations here.
  func lastChange(ofNamesIn number: Int) -> Int {
    (operations.lastIndex { $0.changesNames(in: number) } ?? -1) + 1
  }
}

extension SimulatedTree {
  fileprivate func checkReplacing(_ replaced: Int, by number: Int) throws(Errno) {
    switch (directory(number), directory(replaced)) {
    case (nil, .some): throw .isDirectory
    case (.some, nil): throw .notDirectory
    case (.some, .some(let names)) where !names.isEmpty: throw .directoryNotEmpty
    default: return
    }
  }
}
