import CLinux
import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// Chooses the directory of the index.
///
/// It is the repository's own `index/` where that can be written to and lies on a local file system;
/// LMDB's locks do not cross a network. Else it is a directory for this repository under the user's
/// cache, named by id and place, since copies of a repository have one id and different packs.
struct IndexPlacement {
  /// `f_type` of statfs(2) for network file systems: NFS, SMB, CIFS, SMB2, Ceph, AFS, 9P, and FUSE,
  /// behind which there may be one.
  private static let remoteTypes: Set<Int> = [
    0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x00c3_6400, 0x5346_414f, 0x0102_1997, 0x6573_5546,
  ]

  let repository: RepositoryID
  let root: FilePath

  /// - Parameter preferred: a directory that the user chose; used or refused.
  func open(preferred: FilePath?) throws(StoreError) -> PackIndex {
    if let preferred {
      return try PackIndex(directory: IndexDirectory(path: preferred.appending(placeName)))
    }
    let own = root.appending("index")
    if isLocal(root) {
      do throws(StoreError) {
        return try PackIndex(directory: IndexDirectory(path: own))
      } catch  where [.fileSystem, .noSpace, .readOnly, .index].contains(error.code) {
        // A repository that is read-only or full can still be read, with an index elsewhere.
      }
    }
    return try PackIndex(directory: IndexDirectory(path: try userCache().appending(placeName)))
  }

  private var placeName: String {
    let place = Checksum(of: canonicalRoot.unescapedBytes).description
    return "\(repository)-\(place.prefix(16))"
  }

  private var canonicalRoot: String {
    (root.resolved ?? root).escaped
  }

  private func isLocal(_ path: FilePath) -> Bool {
    var information = statfs()
    guard path.withPlatformString({ statfs($0, &information) }) == 0 else { return true }
    return !Self.remoteTypes.contains(Int(information.f_type))
  }

  private func userCache() throws(StoreError) -> FilePath {
    if let cache = getenv("XDG_CACHE_HOME").map({ String(escapingCString: $0) }),
      cache.hasPrefix("/")
    {
      return FilePath(escaped: cache).appending("varve")
    }
    if let home = getenv("HOME").map({ String(escapingCString: $0) }), home.hasPrefix("/") {
      return FilePath(escaped: home).appending(".cache").appending("varve")
    }
    throw StoreError(
      .index,
      "the index cannot be in the repository \(root), and neither XDG_CACHE_HOME nor HOME names a "
        + "directory for it")
  }
}
