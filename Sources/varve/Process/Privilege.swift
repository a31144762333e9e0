import FileIO
import Glibc
import SystemPackage

/// What only root may do.
enum Privilege {
  /// - Parameter task: such as `mounting`.
  static func require(for task: String) throws(Failure) {
    guard geteuid() == 0 else { throw Failure("\(task) needs root; try it with sudo") }
  }
}

/// Paths as the kernel lists them.
enum AbsolutePath {
  /// Without symbolic links; with them where something on the way cannot be looked at.
  static func of(_ path: String) -> String {
    if let resolved = FilePath(escaped: path).resolved { return resolved.escaped }
    if path.hasPrefix("/") { return path }
    guard let directory = getcwd(nil, 0) else { return path }
    defer { free(directory) }
    return "\(String(escapingCString: directory))/\(path)"
  }
}
