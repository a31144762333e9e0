import FileIO
import SystemPackage

/// The location of the files of one volume's overlay.
struct OverlayPlace: Sendable {
  private static let filePermissions: FilePermissions = [.ownerReadWrite]

  let directory: FilePath
  /// The beginning of the file names. Nil for unnamed files, which disappear when the process that
  /// has them open ends in any way.
  let volume: String?
  let fileSystem: any FileSystem

  /// Whether another process can find the files again.
  var isLasting: Bool { volume != nil }

  /// Returns the path for messages.
  func path(_ suffix: String) -> FilePath {
    directory.appending("\(volume ?? "nameless").\(suffix)")
  }

  /// Opens the file with this suffix. Nil if it does not exist.
  func open(_ suffix: String) throws(FileError) -> (any OpenFile)? {
    guard isLasting else { return nil }
    do {
      return try fileSystem.openFile(path(suffix), for: .readingAndWriting)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  /// Creates the file with this suffix.
  func create(_ suffix: String) throws(FileError) -> any OpenFile {
    guard isLasting else { return try createNameless() }
    return try fileSystem.createFile(path(suffix), permissions: Self.filePermissions)
  }

  /// Returns the numbers after `prefix` in the suffixes of the existing files.
  func numbers(after prefix: String) throws(FileError) -> [UInt64] {
    guard let volume else { return [] }
    let beginning = "\(volume).\(prefix)"
    return try fileSystem.list(directory).compactMap { entry in
      entry.name.hasPrefix(beginning) ? UInt64(entry.name.dropFirst(beginning.count)) : nil
    }
  }

  /// Removes the file with this suffix from the directory.
  func remove(_ suffix: String) throws(FileError) {
    if isLasting { try fileSystem.remove(path(suffix)) }
  }

  /// Makes the directory entries durable.
  func synchronize() throws(FileError) {
    if isLasting { try fileSystem.synchronizeDirectory(directory) }
  }

  private func createNameless() throws(FileError) -> any OpenFile {
    let name = directory.appending("nameless").temporarySibling()
    let file = try fileSystem.createFile(name, permissions: Self.filePermissions)
    do {
      try fileSystem.remove(name)
    } catch {
      file.close()
      throw error
    }
    return file
  }
}
