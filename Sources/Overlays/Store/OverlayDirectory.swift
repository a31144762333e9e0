import FileIO
import Glibc
import Remedies
package import SystemPackage

/// Checks the directories of overlays.
package enum OverlayDirectory {
  static let permissions: FilePermissions = [.ownerReadWriteExecute]

  /// Refuses a directory that is the repository or is inside it, even through links. Programs that
  /// write to overlays must not write in a repository, and copies of the repository would include
  /// the overlays.
  ///
  /// - Throws: ``OverlayError`` with `.invalidRequest`.
  package static func check(
    _ directory: FilePath, isOutside repository: FilePath
  ) throws(OverlayError) {
    guard let forbidden = identity(of: repository) else { return }
    // Missing directories are created later. Then `missing/..` leads to where it says.
    for path in [directory, directory.lexicallyNormalized()] {
      guard isOrBelow(forbidden, nearestExisting(path)) else { continue }
      throw OverlayError(
        .invalidRequest,
        "overlays cannot be in \(directory), which is inside the repository \(repository)",
        remedy: .chooseOverlayDirectory)
    }
  }

  /// Whether a path without links is the directory or is inside it.
  private static func isOrBelow(_ directory: [UInt64], _ path: FilePath) -> Bool {
    if identity(of: path) == directory { return true }
    let parent = path.parentDirectory
    return path.string != "/" && parent != path && isOrBelow(directory, parent)
  }

  /// Returns the path without links, `.` and `..`. If it does not exist, returns its nearest
  /// existing parent.
  private static func nearestExisting(_ path: FilePath) -> FilePath {
    if let resolved = path.resolved { return resolved }
    let parent = path.parentDirectory
    return parent == path ? path : nearestExisting(parent)
  }

  private static func identity(of path: FilePath) -> [UInt64]? {
    (try? POSIXFileSystem().metadata(of: path)).map { [$0.device, $0.inode] }
  }
}
