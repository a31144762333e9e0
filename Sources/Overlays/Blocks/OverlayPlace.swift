import FileIO
import SystemPackage

/// Where the files of one volume's overlay are.
struct OverlayPlace: Sendable {
  private static let filePermissions: FilePermissions = [.ownerReadWrite]

  let directory: FilePath
  /// What the files' names begin with; nil for files without names, which are gone with whoever has
  /// them open, however that ends.
  let volume: String?
  let fileSystem: any FileSystem

  /// Whether what is written can be found again by another process.
  var isLasting: Bool { volume != nil }

  /// For messages.
  func path(_ suffix: String) -> FilePath {
    directory.appending("\(volume ?? "nameless").\(suffix)")
  }

  /// The file with this suffix, nil where there is none.
  func open(_ suffix: String) throws(FileError) -> (any OpenFile)? {
    guard isLasting else { return nil }
    do {
      return try fileSystem.openFile(path(suffix), for: .readingAndWriting)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  /// Makes the file with this suffix.
  func create(_ suffix: String) throws(FileError) -> any OpenFile {
    guard isLasting else { return try createNameless() }
    return try fileSystem.createFile(path(suffix), permissions: Self.filePermissions)
  }

  /// The numbers that follow `prefix` in the suffixes of the files that there are.
  func numbers(after prefix: String) throws(FileError) -> [UInt64] {
    guard let volume else { return [] }
    let beginning = "\(volume).\(prefix)"
    return try fileSystem.list(directory).compactMap { entry in
      entry.name.hasPrefix(beginning) ? UInt64(entry.name.dropFirst(beginning.count)) : nil
    }
  }

  /// Takes the name from the file with this suffix.
  func remove(_ suffix: String) throws(FileError) {
    if isLasting { try fileSystem.remove(path(suffix)) }
  }

  /// Makes the names of files durable.
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
