import FileIO
import SystemPackage
import TestSupport

/// The file system as one process of the simulation sees it.
final class ProcessFileSystem: FileSystem {
  private let base: SimulatedFileSystem
  private let process: SimulatedProcess
  private let flaw: PlantedFlaw?

  init(_ process: SimulatedProcess, flaw: PlantedFlaw?) {
    base = process.world.fileSystem
    self.process = process
    self.flaw = flaw
  }

  func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    try process.pass(.createFile, path)
    return ProcessFile(try base.createFile(path, permissions: permissions), process)
  }

  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile {
    try process.pass(.openFile, path)
    return ProcessFile(try base.openFile(path, for: access), process)
  }

  func createDirectory(_ path: FilePath, permissions: FilePermissions) throws(FileError) {
    try process.pass(.createDirectory, path)
    try base.createDirectory(path, permissions: permissions)
  }

  func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry] {
    do throws(FileError) {
      try process.pass(.list, directory)
    } catch {
      guard let flaw, process.isAlive, flaw.takesFailedListsForEmpty else { throw error }
      return []
    }
    let entries = try byAge(base.list(directory), in: directory)
    return try flaw?.alter(entries, of: directory, for: process) ?? entries
  }

  /// The names of unfinished files do not depend on the seed, but the order of their creation does.
  private func byAge(
    _ entries: [DirectoryEntry], in directory: FilePath
  ) throws(FileError) -> [DirectoryEntry] {
    let unfinished = entries.prefix { $0.name.hasPrefix(FilePath.temporaryPrefix) }
    guard unfinished.count > 1 else { return entries }
    var ages: [String: UInt64] = [:]
    for entry in unfinished {
      ages[entry.name] = try base.metadata(of: directory.appending(entry.name)).inode
    }
    return unfinished.sorted { ages[$0.name, default: 0] < ages[$1.name, default: 0] }
      + entries.dropFirst(unfinished.count)
  }

  func bootID() -> String { base.bootID() }

  func metadata(of path: FilePath) throws(FileError) -> FileMetadata {
    try process.pass(.metadata, path)
    return try base.metadata(of: path)
  }

  func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try process.pass(.rename, destination)
    try base.rename(source, to: destination)
    process.world.renamed(to: destination, by: process)
  }

  func remove(_ path: FilePath) throws(FileError) {
    try process.pass(.remove, path)
    try base.remove(path)
    process.world.removed(path, by: process)
  }

  func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    try process.pass(.synchronizeDirectory, path)
    try base.synchronizeDirectory(path)
  }
}

/// A file that a process has open. Closing is not an operation, because it also happens when a
/// process dies.
private final class ProcessFile: OpenFile {
  private let base: any OpenFile
  private let process: SimulatedProcess

  init(_ base: any OpenFile, _ process: SimulatedProcess) {
    self.base = base
    self.process = process
  }

  deinit { close() }

  var path: FilePath { base.path }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int {
    try process.pass(.read, path)
    return try base.read(into: buffer, at: offsetBytes)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(FileError) {
    try process.pass(.write, path)
    try base.write(bytes, at: offsetBytes)
  }

  func synchronizeData() throws(FileError) {
    try process.pass(.synchronizeData, path)
    try base.synchronizeData()
  }

  func sizeBytes() throws(FileError) -> UInt64 {
    try process.pass(.metadata, path)
    return try base.sizeBytes()
  }

  func setSize(bytes sizeBytes: UInt64) throws(FileError) {
    try process.pass(.write, path)
    try base.setSize(bytes: sizeBytes)
  }

  func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError) {
    try process.pass(.write, path)
    try base.punchHole(at: offsetBytes, lengthBytes: lengthBytes)
  }

  func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64? {
    try process.pass(.read, path)
    return try base.dataStart(from: offsetBytes)
  }

  func tryLock(_ mode: LockMode) throws(FileError) -> Bool {
    try process.pass(.lock, path)
    return try base.tryLock(mode)
  }

  /// Takes a lock. The process that holds it needs turns to release it.
  func lock(_ mode: LockMode) throws(FileError) {
    try process.pass(.lock, path)
    try process.wait(for: path) { () throws(FileError) in try base.tryLock(mode) }
  }

  func unlock() throws(FileError) { try base.unlock() }
  func close() { base.close() }
}
