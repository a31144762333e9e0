import FileIO
import Glibc
import ObjectStorage
import SystemPackage

/// Files that reserve disk space. On a full file system, deleting first needs a little space: for
/// the record of the packs that will be deleted. Removing these files frees it.
///
/// They are in `index/`, which is not part of the format. A process that has stored data makes them
/// again.
extension LocalObjects {
  /// Each gives back a file's entry and the blocks of a small file, whatever the file system. The journal,
  /// its successor, two directories and a lock take a file each, where none is there yet.
  private static let smallFiles = (names: (1...8).map { "reserve-\($0)" }, bytes: 32 << 10)
  /// Where changed blocks go to new places. btrfs with data and metadata in one pool refuses to rename a
  /// file while less than about 2 MiB are free.
  private static let largeFiles = (names: (9...12).map { "reserve-\($0)" }, bytes: 1 << 20)

  /// Creates missing files. Ignores errors: nothing depends on the reserve.
  package func fillReserve() {
    do {
      for area in ObjectArea.forDeleting { try makeDirectory(of: area) }
      try fileSystem.createDirectories(
        layout.index, permissions: RepositoryLayout.directoryPermissions)
      try fill(Self.smallFiles)
      if fileSystem.copiesOnWrite(layout.index) { try fill(Self.largeFiles) }
    } catch {
      return
    }
  }

  private func fill(_ files: (names: [String], bytes: Int)) throws(FileError) {
    for name in files.names {
      let path = layout.index.appending(name)
      guard try !fileSystem.exists(path) else { continue }
      let file = try fileSystem.createFile(path, permissions: RepositoryLayout.filePermissions)
      defer { file.close() }
      do throws(FileError) {
        // A file system that compresses would keep no room for zeros.
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<files.bytes / 8).map { _ in random.next() }
        try bytes.span.bytes.withUnsafeBytes { bytes throws(FileError) in
          try file.write(bytes, at: 0)
        }
      } catch {
        // Else it would count as filled.
        try? fileSystem.remove(path)
        throw error
      }
    }
  }

  package func giveUpReserve(_ part: Int) -> Bool {
    let names = Self.smallFiles.names + Self.largeFiles.names
    guard part < names.count else { return false }
    do throws(FileError) {
      try fileSystem.remove(layout.index.appending(names[part]))
    } catch {
      // Given up before, or never there.
      return true
    }
    // Some file systems give back room only when a transaction ends.
    sync()
    return true
  }
}
