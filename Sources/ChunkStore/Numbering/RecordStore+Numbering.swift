import ChunkFormat
import FileIO
import Glibc
package import SystemPackage

extension RecordStore {
  /// Runs `body` with a directory for scratch files, and with others where there is no room: where there
  /// is none is where garbage is collected.
  package func whereScratchFits<Result, Failure: Error>(
    _ body: (FilePath) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    for directory in [index.path] + FilePath.temporaryDirectories.dropLast() {
      do throws(Failure) {
        return try body(directory)
      } catch {
        guard let error = error as? StoreError,
          [.noSpace, .readOnly, .fileSystem].contains(error.code)
        else { throw error }
      }
    }
    return try body(FilePath.temporaryDirectories[FilePath.temporaryDirectories.count - 1])
  }

  /// Numbers all records. The index must be in line with the packs, and stay the one that it is. All of it
  /// is read, so one that is damaged is replaced here.
  package func numbers(progress: () throws -> Void) throws -> RecordNumbers {
    do {
      return try number(progress)
    } catch let error as StoreError where error.code == .damagedIndex {
      try mend()
      return try number(progress)
    }
  }

  private func number(_ progress: () throws -> Void) throws -> RecordNumbers {
    _ = try index.read { index throws(StoreError) in try index.packs() }
    return try whereScratchFits { directory in
      try RecordNumbers(index: index, scratch: directory, progress: progress)
    }
  }

  /// Numbers all chunks of the index; nil where there is no room for that.
  func numberedChunks() throws -> RankTable<ExactKey>? {
    do {
      return try whereScratchFits { directory in
        try index.numberedChunks(scratch: directory)
      }
    } catch let error as StoreError where error.code == .noSpace {
      return nil
    }
  }
}
