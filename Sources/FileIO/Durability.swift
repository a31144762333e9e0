package import SystemPackage

extension FilePath {
  package static let temporaryPrefix = ".tmp-"
  private static let temporaryDigits = 16

  /// Whether a name has the form of ``temporarySibling()``. A file with such a name that was left
  /// over may be removed.
  package static func isTemporaryName(_ name: String) -> Bool {
    guard name.hasPrefix(temporaryPrefix) else { return false }
    let digits = name.utf8.dropFirst(temporaryPrefix.utf8.count)
    return digits.count == temporaryDigits
      && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  /// A unique name in the same directory, for a file that will be renamed to `self`.
  package func temporarySibling() -> FilePath {
    let number = UInt64.random(in: .min ... .max)
    let digits = String(number, radix: 16)
    let padding = String(repeating: "0", count: Self.temporaryDigits - digits.count)
    return parentDirectory.appending(Self.temporaryPrefix + padding + digits)
  }

  /// The directory of the file; `.` for a name without a directory.
  package var parentDirectory: FilePath {
    let parent = removingLastComponent()
    return parent.isEmpty ? "." : parent
  }
}

extension FileSystem {
  /// The whole contents of a file.
  ///
  /// Fails with `other` and `EFBIG`, before reading anything, if the file has more than
  /// `limitBytes`.
  package func readAll(_ path: FilePath, limitBytes: Int) throws(FileError) -> [UInt8] {
    let file = try openFile(path, for: .reading)
    defer { file.close() }
    let sizeBytes = try file.sizeBytes()
    guard sizeBytes <= UInt64(limitBytes) else {
      throw FileError(
        operation: "read", path: path, errno: .fileTooLarge,
        detail: .tooLarge(limitBytes: limitBytes))
    }
    return try file.readBytes(count: Int(sizeBytes), at: 0)
  }

  /// Writes `bytes` to `path`, durably and in one step: after a crash at any moment the file has
  /// either its old or its new content, complete.
  ///
  /// The steps: create a file with a temporary name in the same directory → write → fdatasync →
  /// rename → fsync of the directory. On failure the temporary file is removed. If only the last
  /// step fails, the new content is in place but may not survive a crash.
  package func writeDurably(
    _ bytes: [UInt8], to path: FilePath, permissions: FilePermissions
  ) throws(FileError) {
    try writeDurably(bytes.span.bytes, to: path, permissions: permissions)
  }

  /// Writes bytes that are not in an array, in the same way.
  package func writeDurably(
    _ bytes: RawSpan, to path: FilePath, permissions: FilePermissions
  ) throws(FileError) {
    let temporary = path.temporarySibling()
    let file = try createFile(temporary, permissions: permissions)
    do {
      try bytes.withUnsafeBytes { bytes throws(FileError) in try file.write(bytes, at: 0) }
      try file.synchronizeData()
      file.close()
      try rename(temporary, to: path)
    } catch {
      file.close()
      try? remove(temporary)
      throw error
    }
    try synchronizeDirectory(path.parentDirectory)
  }

  /// Creates a directory and all missing directories above it, and makes their names durable. A
  /// directory that exists is not an error.
  package func createDirectories(
    _ path: FilePath, permissions: FilePermissions = .ownerReadWriteExecute
  ) throws(FileError) {
    do throws(FileError) {
      do {
        try createDirectory(path, permissions: permissions)
      } catch  where error.code == .notFound && path.parentDirectory != path {
        try createDirectories(path.parentDirectory, permissions: permissions)
        // Only once: below /proc, for example, every new name is "not found" although its parent
        // exists.
        try createDirectory(path, permissions: permissions)
      }
    } catch  where error.code == .alreadyExists {
      let kind = try metadata(of: path).kind
      guard kind == .directory else {
        throw FileError(
          operation: "create directory", path: path, errno: .notDirectory,
          detail: .notADirectory(path, kind))
      }
      return
    }
    try synchronizeDirectory(path.parentDirectory)
  }

  /// The names of the temporary files in a directory. Their writers were killed or are still at work.
  package func unfinishedFiles(in directory: FilePath) throws(FileError) -> [String] {
    try list(directory)
      .filter { $0.kind == .file && FilePath.isTemporaryName($0.name) }.map(\.name)
  }

  /// Removes a directory with all its contents; does not follow symbolic links.
  package func removeTree(_ path: FilePath) throws(FileError) {
    for entry in try list(path) {
      let child = path.appending(entry: entry.name)
      if entry.kind == .directory { try removeTree(child) } else { try remove(child) }
    }
    try remove(path)
  }
}
