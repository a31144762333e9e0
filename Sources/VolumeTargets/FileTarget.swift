import FileIO
import Glibc
import Synchronization
import SystemPackage

/// A sparse raw image file: only data uses space.
///
/// A new file is written under its own name. A file that replaces another one is written in the
/// same directory under a temporary name, and takes the old file's place in ``finish()``. So a
/// failed restore does not destroy the old file.
final class FileTarget: RestoreTarget {
  let name: String
  let isSeekable = true
  let canBeReadBack = true

  /// The final path of the file.
  private let path: FilePath
  private let replacesExisting: Bool
  private let fileSystem: any FileSystem
  private let state = Mutex(State())

  private struct State: Sendable {
    var file: HeldFile?
    /// Nothing at or after this offset has been written: this part is still a hole.
    var writtenEndBytes: UInt64 = 0
    /// The file to be removed after a failure.
    var unfinished: FilePath?
  }

  init(
    name: String, path: FilePath, replacesExisting: Bool,
    fileSystem: any FileSystem = POSIXFileSystem()
  ) {
    self.fileSystem = fileSystem
    self.name = name
    self.path = path
    self.replacesExisting = replacesExisting
  }

  func prepare(sizeBytes: UInt64) throws(RestoreTargetError) {
    let unfinished = replacesExisting ? path.temporarySibling() : path
    let descriptor = try replacesExisting ? createReplacement(unfinished) : create(unfinished)
    do {
      try descriptor.truncate(toBytes: sizeBytes)
    } catch {
      try? fileSystem.remove(unfinished)
      throw .cannotResize(name, toBytes: sizeBytes, error)
    }
    let file: HeldFile
    do {
      file = try HeldFile(descriptor, target: name, sizeBytes: sizeBytes)
    } catch {
      try? fileSystem.remove(unfinished)
      throw error
    }
    state.withLock { $0 = State(file: file, unfinished: unfinished) }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    let file = try held()
    try file.requireInside(offsetBytes, UInt64(bytes.count))
    state.withLock { state in
      state.writtenEndBytes = max(state.writtenEndBytes, offsetBytes + UInt64(bytes.count))
    }
    try file.write(bytes, at: offsetBytes)
  }

  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError) {
    let file = try held()
    try file.requireInside(offsetBytes, lengthBytes)
    let writtenEndBytes = state.withLock { $0.writtenEndBytes }
    guard offsetBytes < writtenEndBytes, lengthBytes > 0 else { return }
    do throws(Errno) {
      try file.perform(.punchHole, offsetBytes..<offsetBytes + lengthBytes)
    } catch .notSupported, .noFunction, .invalidArgument {
      // The file system has no holes, but unwritten parts of a new file read as zeros. So only the
      // written part must be checked.
      let length = min(lengthBytes, writtenEndBytes - offsetBytes)
      try file.writeMissingZeros(offsetBytes..<offsetBytes + length)
    } catch {
      throw .writeFailed(name, at: offsetBytes, error)
    }
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try held().read(into: buffer, at: offsetBytes)
  }

  /// The start of the next data. (lseek(2), `SEEK_DATA`)
  func nextData(from offsetBytes: UInt64) throws(RestoreTargetError) -> UInt64 {
    let file = try held()
    do throws(Errno) {
      return try file.descriptor.dataStart(from: offsetBytes) ?? .max
    } catch {
      // If the file system does not support this, the bytes must be read.
      return offsetBytes
    }
  }

  func finish() throws(RestoreTargetError) {
    let file = try held()
    try file.synchronize()
    file.endWriting()
    do {
      if replacesExisting, let unfinished = state.withLock({ $0.unfinished }) {
        try fileSystem.rename(unfinished, to: path)
      }
      state.withLock { $0.unfinished = nil }
      try fileSystem.synchronizeDirectory(path.parentDirectory)
    } catch {
      throw .cannotReplace(name, error)
    }
  }

  func abandon() {
    let unfinished = state.withLock { state in
      state.file = nil
      return state.unfinished.take()
    }
    if let unfinished { try? fileSystem.remove(unfinished) }
  }

  private func held() throws(RestoreTargetError) -> HeldFile {
    guard let file = state.withLock({ $0.file }) else { throw .notPrepared(name) }
    return file
  }

  /// Creates a file that only its owner may read: it contains a machine's disk.
  private func create(_ path: FilePath) throws(RestoreTargetError) -> Descriptor {
    do throws(Errno) {
      return try Descriptor(
        opening: path, flags: O_RDWR | O_CREAT | O_EXCL, permissions: .ownerReadWrite)
    } catch .fileExists {
      throw .alreadyExists(name)
    } catch {
      throw .cannotOpen(name, error)
    }
  }

  /// Creates a file with the owner and permissions of the file that it replaces. Refuses if the old
  /// file is open elsewhere: that process would silently continue to use the old file.
  private func createReplacement(_ path: FilePath) throws(RestoreTargetError) -> Descriptor {
    let existing: Descriptor
    do {
      existing = try Descriptor(opening: self.path, flags: O_RDONLY)
    } catch {
      throw .cannotOpen(name, error)
    }
    if existing.isOpenElsewhere() == true {
      throw .inUse(name, by: "another process or a loop device (lsof, losetup -j)")
    }
    let descriptor = try create(path)
    try? descriptor.adoptOwner(of: existing)
    return descriptor
  }
}
