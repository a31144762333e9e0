import ChildProcesses
import FileIO
package import SystemPackage

/// All that `attach` and `mount` have set up on this machine, each with a directory of its own.
package struct LocalVolumes {
  /// Of the names of directories, which mkdtemp(3) ends with six more characters.
  private static let prefix = "volume-"

  private let path: FilePath
  private let fileSystem = POSIXFileSystem()

  /// - Parameter path: a directory that only this user can write to; created when it is needed.
  package init(in path: FilePath) { self.path = path }

  /// In the order in which they were made. Records that cannot be read are noticed.
  package func all() throws -> (volumes: [LocalVolume], notices: [Notice]) {
    var volumes: [LocalVolume] = []
    var notices: [Notice] = []
    for place in try places() {
      do {
        if let volume = try LocalVolume(at: place) { volumes.append(volume) }
      } catch {
        notices.append(.unreadableLocalVolume(error))
      }
    }
    return (volumes.sorted { $0.record.created < $1.record.created }, notices)
  }

  /// Makes one, unless `conflict` has something against it in view of the record of another one.
  ///
  /// What there is from before the machine was restarted is removed, and what was never begun.
  func begin(
    _ record: LocalVolumeRecord, unless conflict: (LocalVolumeRecord) -> Refusal?
  ) throws -> LocalVolume {
    try UnixSocket.checkDirectory(path)
    try fileSystem.createDirectories(path)
    let lock = try fileSystem.lockFile(path.appending("lock"), .exclusive)
    defer { lock.close() }
    for place in try places() {
      guard let other = try LocalVolume(at: place) else {
        // Directories of others may lie there.
        if isOwn(place) { try PrivateDirectory.remove(place) }
        continue
      }
      if !other.record.isOfThisBoot {
        try other.takeDown(lazily: true)
      } else if let refusal = conflict(other.record) {
        throw refusal
      }
    }
    let place = try PrivateDirectory(in: path, prefix: Self.prefix).path
    return try LocalVolume(place: place, record: record)
  }

  private func isOwn(_ place: FilePath) -> Bool {
    let name = place.lastComponent?.string ?? ""
    return name.hasPrefix(Self.prefix) && name.utf8.count == Self.prefix.utf8.count + 6
  }

  private func places() throws(FileError) -> [FilePath] {
    try fileSystem.listIfThere(path)?.filter { $0.kind == .directory }
      .map { path.appending(entry: $0.name) } ?? []
  }
}
