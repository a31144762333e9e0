import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// Files that are kept so that they can be given up: on a full file system deleting takes a little room
/// first, for the journal of what is to be deleted.
///
/// They lie in `index/`, of which nothing belongs to the format. Whoever has stored makes them again.
struct SpaceReserve: Sendable {
  /// Each gives back a file's entry and the blocks of a small file, whatever the file system.
  private static let fileBytes = 32 << 10
  /// The journal, its successor, two directories and a lock take a file each, where none is there yet.
  private static let names = (1...8).map { "reserve-\($0)" }

  private let directory: FilePath
  private let fileSystem: any FileSystem

  init(_ layout: RepositoryLayout, _ fileSystem: any FileSystem) {
    directory = layout.root.appending("index")
    self.fileSystem = fileSystem
  }

  /// Makes what is missing, where that is possible: nobody depends on it.
  func fill() {
    do {
      try fileSystem.createDirectories(
        directory, permissions: RepositoryLayout.directoryPermissions)
      for name in Self.names {
        let path = directory.appending(name)
        guard try !fileSystem.exists(path) else { continue }
        let file = try fileSystem.createFile(
          path, permissions: RepositoryLayout.filePermissions)
        defer { file.close() }
        // A file system that compresses would keep no room for zeros.
        try file.write(try Randomness.bytes(count: Self.fileBytes), at: 0)
      }
    } catch {
      return
    }
  }

  /// Runs `body`, and again after one of the files was given up, as long as there is no room.
  func makingRoom<Result>(
    for body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    for name in Self.names {
      do throws(StoreError) {
        return try body()
      } catch  where error.code == .noSpace {
        try? fileSystem.removeIfThere(directory.appending(name))
        // Some file systems give back room only when a transaction ends.
        sync()
      }
    }
    return try body()
  }
}
