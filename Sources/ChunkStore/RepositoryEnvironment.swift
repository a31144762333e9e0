package import CalendarTime
package import ChunkFormat
package import FileIO
import Glibc
package import SystemPackage

/// What a repository needs of the world around it; tests put other worlds in its place.
package struct RepositoryEnvironment: Sendable {
  package var fileSystem: any FileSystem = POSIXFileSystem()
  /// Where to keep the index; nil to choose a place.
  package var indexDirectory: FilePath?
  /// A pack is closed when its records reach this many bytes.
  package var packTargetBytes = PackAssembly.standardTargetBytes
  package var now: @Sendable () -> Timestamp = Timestamp.now
  package var passphraseCost = ScryptCost.standard
  package var host = Self.hostName()
  /// Tells this machine from others of its name; empty where it has no identifier.
  package var machine = Self.machineIdentifier

  package init() {}

  /// The same for what lies in a repository: no file of it is reached through a link, and whoever may
  /// use its directory may use what is made in it.
  func confined(to root: FilePath) -> RepositoryEnvironment {
    var environment = self
    environment.fileSystem = fileSystem.confined(to: root, newFiles: .likeDirectory)
    return environment
  }

  func session(
    _ kind: SessionRecord.Kind, purpose: String, pinned: [RevisionID]
  ) -> SessionRecord {
    SessionRecord(
      kind: kind, started: now(), host: host, process: getpid(), purpose: purpose, pinned: pinned)
  }

  /// A hash of what /etc/machine-id says, which is not to be shown to others (machine-id(5)).
  private static let machineIdentifier: String = {
    guard let id = try? POSIXFileSystem().readAll("/etc/machine-id", limitBytes: 64),
      !id.isEmpty, let digest = try? FileDigest(of: Array("varve machine ".utf8) + id)
    else { return "" }
    return String(digest.description.prefix(32))
  }()

  private static func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
