package import FileIO
package import Glibc
import SystemPackage

/// A process of this machine, with the files that it uses according to proc(5).
package struct RunningProcess: CustomStringConvertible {
  package let id: pid_t

  /// All processes except this one.
  package static func all() -> [RunningProcess] {
    names(in: "/proc").compactMap { pid_t($0) }.filter { $0 != getpid() }.map(RunningProcess.init)
  }

  /// `process 4711 (bash)`
  package var description: String {
    let name = (try? SystemFile(directory.appending("comm")).lines().first).map(String.init)
    return "process \(id)" + (name.map { " (\($0))" } ?? "")
  }

  /// The paths of the files that the process has open.
  package func openPaths() -> [String] {
    descriptors.compactMap { link in
      var target = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(link, &target, target.count)
      guard count > 0 else { return nil }
      return String(escaping: target.prefix(count).map(UInt8.init(bitPattern:)))
    }
  }

  /// Whether the process uses the file system on `device`: through an open file, its current
  /// directory, its root or its program.
  package func usesFileSystem(on device: DeviceNumber) -> Bool {
    let links = ["cwd", "root", "exe"].map { directory.appending($0).string }
    return (links + descriptors).contains { link in
      var status = stat()
      return stat(link, &status) == 0 && DeviceNumber(packed: UInt64(status.st_dev)) == device
    }
  }

  private var descriptors: [String] {
    let place = directory.appending("fd")
    return Self.names(in: place).map { place.appending($0).string }
  }

  private var directory: FilePath { FilePath("/proc/\(id)") }

  private static func names(in directory: FilePath) -> [String] {
    ((try? POSIXFileSystem().list(directory)) ?? []).map(\.name)
  }
}
