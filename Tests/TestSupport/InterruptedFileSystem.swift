package import FileIO
import Synchronization
package import SystemPackage

/// A file system on which somebody else acts right before or after a single operation: so a test steps
/// two actors by hand, into every gap between two operations.
package final class InterruptedFileSystem<Base: FileSystem>: ForwardingFileSystem {
  package enum Moment: Sendable { case before, after }

  private struct Interruption: Sendable {
    let moment: Moment
    let kind: SimulatedCall.Kind
    let text: String
    let body: @Sendable () throws -> Void
  }

  private struct State {
    var waiting: [Interruption] = []
    var errors: [String] = []
    var calls: [String]?
  }

  package let base: Base
  private let state = Mutex(State())

  package init(_ base: Base) { self.base = base }

  /// Runs `body` once, at the first operation of this kind whose path contains `text`; of a renaming,
  /// the new path.
  package func interrupt(
    _ moment: Moment, _ kind: SimulatedCall.Kind, of text: String,
    _ body: @escaping @Sendable () throws -> Void
  ) {
    state.withLock {
      $0.waiting.append(Interruption(moment: moment, kind: kind, text: text, body: body))
    }
  }

  /// Begins to keep the operations: `rename /a/b`.
  package func record() { state.withLock { $0.calls = [] } }

  package var calls: [String] { state.withLock { $0.calls ?? [] } }

  /// Whether every interruption came, and went well.
  package var problems: [String] {
    state.withLock { state in
      state.errors + state.waiting.map { "nobody came to \($0.moment) \($0.kind) \($0.text)" }
    }
  }

  fileprivate func note(_ call: String, _ path: FilePath) {
    state.withLock { $0.calls?.append("\(call) \(path)") }
  }

  fileprivate func perform<Result>(
    _ kind: SimulatedCall.Kind, _ path: FilePath, _ body: () throws(FileError) -> Result
  ) throws(FileError) -> Result {
    note("\(kind)", path)
    run(.before, kind, path)
    let result = try body()
    run(.after, kind, path)
    return result
  }

  private func run(_ moment: Moment, _ kind: SimulatedCall.Kind, _ path: FilePath) {
    let due = state.withLock { state in
      let index = state.waiting.firstIndex {
        $0.moment == moment && $0.kind == kind && path.string.contains($0.text)
      }
      return index.map { state.waiting.remove(at: $0) }
    }
    do {
      try due?.body()
    } catch {
      state.withLock { $0.errors.append("\(error)") }
    }
  }

  // MARK: - FileSystem

  package func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    try perform(.createFile, path) { () throws(FileError) in
      InterruptedFile(try base.createFile(path, permissions: permissions), in: self)
    }
  }

  package func openFile(
    _ path: FilePath, for access: FileAccess
  ) throws(FileError) -> any OpenFile {
    try perform(.openFile, path) { () throws(FileError) in
      InterruptedFile(try base.openFile(path, for: access), in: self)
    }
  }

  package func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry] {
    try perform(.list, directory) { () throws(FileError) in try base.list(directory) }
  }

  package func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try perform(.rename, destination) { () throws(FileError) in
      try base.rename(source, to: destination)
    }
  }

  package func remove(_ path: FilePath) throws(FileError) {
    try perform(.remove, path) { () throws(FileError) in try base.remove(path) }
  }

  package func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    try perform(.synchronizeDirectory, path) { () throws(FileError) in
      try base.synchronizeDirectory(path)
    }
  }
}

private final class InterruptedFile<Base: FileSystem>: ForwardingFile {
  let base: any OpenFile
  private let fileSystem: InterruptedFileSystem<Base>

  init(_ base: any OpenFile, in fileSystem: InterruptedFileSystem<Base>) {
    self.base = base
    self.fileSystem = fileSystem
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int {
    try fileSystem.perform(.read, path) { () throws(FileError) in
      try base.read(into: buffer, at: offsetBytes)
    }
  }

  func synchronizeData() throws(FileError) {
    try fileSystem.perform(.synchronizeData, path) { () throws(FileError) in
      try base.synchronizeData()
    }
  }

  func isUnlinked() -> Bool { base.isUnlinked() }

  func forgetCached() {
    fileSystem.note("forgetCached", path)
    base.forgetCached()
  }
}
