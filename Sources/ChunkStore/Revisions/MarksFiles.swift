import CalendarTime
import ChunkFormat
import FileIO
import SystemPackage

/// The files of marks in a repository. Marks that are given anew are another file, so this tells whether
/// any were.
struct MarksFiles: Sendable {
  /// As coarse as file systems' clocks are, and some more.
  private static let clockTickSeconds: Int64 = 3

  let files: [RevisionID: FileMetadata]
  private let directory: FileMetadata
  /// Whether any change since would have given the directory a later time.
  private let isSettled: Bool

  /// Looks at the files in `path`, or only at the directory where that tells that nothing changed since
  /// `known`.
  init(in path: FilePath, known: MarksFiles?, _ fileSystem: any FileSystem) throws(FileError) {
    let now = Timestamp.now()
    let directory = try fileSystem.metadata(of: path)
    if let known, known.isSettled, known.directory == directory {
      self = known
      return
    }
    self.directory = directory
    isSettled = directory.modified.seconds < now.secondsSince1970 - Self.clockTickSeconds
    var files: [RevisionID: FileMetadata] = [:]
    for entry in try fileSystem.list(path) {
      guard let id = RevisionID(name: entry.name) else { continue }
      do throws(FileError) {
        files[id] = try fileSystem.metadata(of: path.appending(entry.name))
      } catch  where error.code == .notFound {
        // Forgotten since the names were listed.
        continue
      }
    }
    self.files = files
  }
}
