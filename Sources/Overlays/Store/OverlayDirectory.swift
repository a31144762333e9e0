import FileIO
import Glibc
import Remedies
package import SystemPackage

/// Directories that overlays lie in.
package enum OverlayDirectory {
  static let permissions: FilePermissions = [.ownerReadWriteExecute]

  /// Refuses a directory that is the repository's or lies in it, whatever links lead there: what writes
  /// to overlays has no business in a repository, and copies of it would take them along.
  ///
  /// - Throws: ``OverlayError`` with `.invalidRequest`.
  package static func check(
    _ directory: FilePath, isOutside repository: FilePath
  ) throws(OverlayError) {
    guard let forbidden = identity(of: repository) else { return }
    // What is missing would be made on the way, after which `missing/..` leads where it says.
    for path in [directory, directory.lexicallyNormalized()] {
      guard isOrBelow(forbidden, nearestExisting(path)) else { continue }
      throw OverlayError(
        .invalidRequest,
        "overlays cannot be in \(directory), which is inside the repository \(repository)",
        remedy: .chooseOverlayDirectory)
    }
  }

  /// Whether a path without links leads to the directory or to something in it.
  private static func isOrBelow(_ directory: [UInt64], _ path: FilePath) -> Bool {
    if identity(of: path) == directory { return true }
    let parent = path.parentDirectory
    return path.string != "/" && parent != path && isOrBelow(directory, parent)
  }

  /// Without links, `.` and `..`; of a path that leads nowhere, as much as there is.
  private static func nearestExisting(_ path: FilePath) -> FilePath {
    if let resolved = path.resolved { return resolved }
    let parent = path.parentDirectory
    return parent == path ? path : nearestExisting(parent)
  }

  private static func identity(of path: FilePath) -> [UInt64]? {
    (try? POSIXFileSystem().metadata(of: path)).map { [$0.device, $0.inode] }
  }
}
