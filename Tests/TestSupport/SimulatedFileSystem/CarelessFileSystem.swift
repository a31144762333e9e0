package import FileIO
package import SystemPackage

/// A file system that leaves out what makes a store crash-safe: the planted bugs that crash tests must
/// find.
package struct CarelessFileSystem: ForwardingFileSystem {
  /// What is left out, where the path of the file or directory contains a certain text.
  package enum Lapse: Sendable, CustomStringConvertible {
    /// Contents are never synchronised.
    case contents(of: String)
    /// Names in the directory whose path ends like this are never synchronised; with a slash at the
    /// end, those in the directories below it.
    case names(in: String)
    /// Files get their names before their contents are synchronised.
    case namesFirst(of: String)
    /// Every boot is said to be this one.
    case boots(as: String)

    package var description: String {
      switch self {
      case .contents(let text): "contents of *\(text)* not synchronised"
      case .names(let text): "names in *\(text) not synchronised"
      case .namesFirst(let text): "names of *\(text)* before contents"
      case .boots: "boots not told from one another"
      }
    }
  }

  package let base: SimulatedFileSystem
  private let lapse: Lapse

  package init(_ base: SimulatedFileSystem, lapse: Lapse) {
    self.base = base
    self.lapse = lapse
  }

  package func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    let file = try base.createFile(path, permissions: permissions)
    switch lapse {
    case .contents(let text), .namesFirst(let text):
      return path.string.contains(text) ? CarelessFile(file) : file
    case .names, .boots:
      return file
    }
  }

  package func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try base.rename(source, to: destination)
    if case .namesFirst(let text) = lapse, source.string.contains(text) {
      try base.openFile(destination, for: .reading).synchronizeData()
    }
  }

  package func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    if case .names(let text) = lapse {
      let isMeant =
        text.hasSuffix("/") ? path.string.contains(text) : path.string.hasSuffix("/" + text)
      if isMeant { return }
    }
    try base.synchronizeDirectory(path)
  }

  package func bootID() throws(FileError) -> String {
    if case .boots(let id) = lapse { id } else { base.bootID() }
  }
}

/// A file that takes writing for storing.
private final class CarelessFile: ForwardingFile {
  let base: any OpenFile

  init(_ base: any OpenFile) { self.base = base }

  func synchronizeData() {}
}
