import FileIO
import Synchronization
import SystemPackage
import Workers

/// A file of a ``SimulatedFileSystem``, opened.
final class SimulatedFile: OpenFile {
  let path: FilePath
  private let node: Int
  private let access: FileAccess
  private let fileSystem: SimulatedFileSystem
  private let isClosed = Atomic(false)

  init(path: FilePath, node: Int, access: FileAccess, in fileSystem: SimulatedFileSystem) {
    self.path = path
    self.node = node
    self.access = access
    self.fileSystem = fileSystem
  }

  deinit { close() }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int {
    try perform(.read, "read") { state throws(Errno) in
      guard offsetBytes <= Int64.max else { throw .invalidArgument }
      guard let bytes = state.tree.file(node) else { throw .isDirectory }
      let start = min(Int(offsetBytes), bytes.count)
      let count = min(buffer.count, bytes.count - start)
      bytes.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
      }
      return count
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(FileError) {
    try perform(.write, "write") { state throws(Errno) in
      guard access == .readingAndWriting else { throw .badFileDescriptor }
      guard offsetBytes <= UInt64(Int64.max) - UInt64(bytes.count) else { throw .fileTooLarge }
      let fitting = state.room(for: bytes.count, at: Int(offsetBytes), of: node)
      if fitting > 0 {
        state.record(
          .write(node, offset: Int(offsetBytes), bytes: Array(bytes.prefix(fitting))))
      }
      guard fitting == bytes.count else { throw .noSpace }
    }
  }

  func synchronizeData() throws(FileError) {
    do {
      try perform(.synchronizeData, "synchronise") { state in
        state.record(.synchronizeData(node))
      }
    } catch {
      fileSystem.state.withLock { $0.record(.failSynchronizeData(node)) }
      throw error
    }
  }

  func sizeBytes() throws(FileError) -> UInt64 {
    try perform(.metadata, "stat") { state in UInt64(state.tree.file(node)?.count ?? 0) }
  }

  func setSize(bytes sizeBytes: UInt64) throws(FileError) {
    try perform(.write, "resize") { state throws(Errno) in
      guard access == .readingAndWriting else { throw .invalidArgument }
      guard sizeBytes <= Int64.max else { throw .fileTooLarge }
      let before = state.tree.file(node)?.count ?? 0
      guard sizeBytes >= before else { throw .notSupported }
      state.record(
        .write(node, offset: before, bytes: Array(repeating: 0, count: Int(sizeBytes) - before)))
    }
  }

  /// To a crash it is like writing zeros.
  func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError) {
    try perform(.write, "punch a hole into") { state throws(Errno) in
      guard access == .readingAndWriting else { throw .badFileDescriptor }
      let size = UInt64(state.tree.file(node)?.count ?? 0)
      let end = min(size, offsetBytes + lengthBytes)
      guard offsetBytes < end else { return }
      state.record(
        .write(
          node, offset: Int(offsetBytes),
          bytes: Array(repeating: 0, count: Int(end - offsetBytes))))
    }
  }

  /// It knows no holes.
  func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64? {
    try perform(.read, "find data in") { state in
      UInt64(state.tree.file(node)?.count ?? 0) > offsetBytes ? offsetBytes : nil
    }
  }

  func tryLock(_ mode: LockMode) throws(FileError) -> Bool {
    try perform(.lock, "lock") { state in
      let isFree = state.isFree(node, mode, for: id)
      if isFree { state.locks[node, default: [:]][id] = mode }
      return isFree
    }
  }

  func lock(_ mode: LockMode) throws(FileError) {
    while try !tryLock(mode) {
      fileSystem.state.wait { $0.isFree(node, mode, for: id) }
    }
  }

  func unlock() throws(FileError) {
    try perform(.lock, "unlock") { state in state.locks[node]?[id] = nil }
    fileSystem.state.broadcast()
  }

  func close() {
    isClosed.store(true, ordering: .sequentiallyConsistent)
    fileSystem.state.withLock { $0.locks[node]?[id] = nil }
    fileSystem.state.broadcast()
  }

  private var id: ObjectIdentifier { ObjectIdentifier(self) }

  private func perform<Result: Sendable>(
    _ kind: SimulatedCall.Kind, _ operation: String,
    _ body: (inout SimulatedFileSystem.State) throws(Errno) -> Result
  ) throws(FileError) -> Result {
    do throws(Errno) {
      return try fileSystem.state.withLock { state throws(Errno) in
        guard !isClosed.load(ordering: .sequentiallyConsistent) else { throw .badFileDescriptor }
        try state.call(kind, path)
        return try body(&state)
      }
    } catch {
      throw FileError(operation: operation, path: path, errno: error)
    }
  }
}

extension SimulatedFileSystem.State {
  fileprivate func isFree(_ node: Int, _ mode: LockMode, for file: ObjectIdentifier) -> Bool {
    (locks[node] ?? [:]).allSatisfy {
      $0.key == file || (mode == .shared && $0.value == .shared)
    }
  }

  /// How many of `count` bytes can be written at `offset` of a file.
  fileprivate func room(for count: Int, at offset: Int, of node: Int) -> Int {
    guard let capacityBytes else { return count }
    let size = tree.file(node)?.count ?? 0
    let free = max(0, capacityBytes - tree.usedBytes)
    return min(count, max(0, size + free - offset))
  }
}
