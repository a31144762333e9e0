import FileIO
import Glibc
import Synchronization
import SystemPackage

/// Directories of indexes that end with the process.
enum TemporaryIndexes {
  private static let paths = Mutex<[FilePath]>([])

  static func remember(_ path: FilePath) {
    let isFirst = paths.withLock { paths in
      paths.append(path)
      return paths.count == 1
    }
    if isFirst { atexit { TemporaryIndexes.removeAll() } }
  }

  private static func removeAll() {
    for path in paths.withLock({ $0 }) {
      for name in ["data.mdb", "home", "moving-in.lock", "write.lock", "loading.lock"] {
        _ = path.appending(name).withPlatformString { unlink($0) }
      }
      _ = path.withPlatformString { rmdir($0) }
    }
  }
}

extension FilePath {
  /// Where there may be room when another place has none: the last of them is memory.
  static var temporaryDirectories: [FilePath] {
    let chosen = getenv("TMPDIR").map { FilePath(platformString: $0) }
    return (chosen.map { [$0] } ?? []).filter(\.isAbsolute) + ["/var/tmp", "/dev/shm"]
  }
}
