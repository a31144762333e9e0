import Administration
import ChildProcesses
import FileIO
import SystemPackage

/// All that `attach` and `mount` have set up on this machine, each with a directory of its own.
struct LocalVolumes {
  static let variable = "VARVE_LOCAL_VOLUMES"
  /// Of the names of directories, which mkdtemp(3) ends with six more characters.
  private static let prefix = "volume-"

  private let path = FilePath(escaped: Environment[Self.variable] ?? "/var/lib/varve/local-volumes")
  private let fileSystem = POSIXFileSystem()

  /// In the order in which they were made; with a warning for what cannot be read.
  func all() throws -> [LocalVolume] {
    try places().compactMap { place in
      do {
        return try LocalVolume(at: place)
      } catch {
        Console.shared.warning("\(error)")
        return nil
      }
    }.sorted { $0.record.created < $1.record.created }
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
