import FileIO
import Glibc
import ObjectStorage
import SystemPackage

/// Files that are kept so that they can be given up: on a full file system deleting takes a little room
/// first, for the journal of what is to be deleted.
///
/// They lie in `index/`, of which nothing belongs to the format. Whoever has stored makes them again.
extension LocalObjects {
  /// Each gives back a file's entry and the blocks of a small file, whatever the file system.
  private static let fileBytes = 32 << 10
  /// The journal, its successor, two directories and a lock take a file each, where none is there yet.
  private static let names = (1...8).map { "reserve-\($0)" }

  /// Nobody depends on it.
  package func fillReserve() {
    do {
      try fileSystem.createDirectories(
        layout.index, permissions: RepositoryLayout.directoryPermissions)
      for name in Self.names {
        let path = layout.index.appending(name)
        guard try !fileSystem.exists(path) else { continue }
        let file = try fileSystem.createFile(
          path, permissions: RepositoryLayout.filePermissions)
        defer { file.close() }
        // A file system that compresses would keep no room for zeros.
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<Self.fileBytes / 8).map { _ in random.next() }
        try bytes.span.bytes.withUnsafeBytes { bytes throws(FileError) in
          try file.write(bytes, at: 0)
        }
      }
    } catch {
      return
    }
  }

  package func giveUpReserve(_ part: Int) -> Bool {
    guard part < Self.names.count else { return false }
    try? fileSystem.removeIfThere(layout.index.appending(Self.names[part]))
    // Some file systems give back room only when a transaction ends.
    sync()
    return true
  }
}
