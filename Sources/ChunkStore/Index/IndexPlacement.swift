import CLinux
import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// A directory where an index may lie.
struct IndexPlace: Sendable {
  /// Finds or makes the directory above it.
  let path: @Sendable () throws(StoreError) -> FilePath
}

/// Chooses the directory of the index.
///
/// Whoever can write to an index can mislead those who use it. So it is the repository's own `index/`
/// only where nobody but the user who runs this can write to that, the repository is not encrypted, and
/// lies on a local file system, whose locks every process sees. Else it is a directory for this
/// repository under the user's cache, named by id and place, since copies of a repository have one id
/// and different packs. Where neither can be written to, it is a directory for this process alone.
struct IndexPlacement {
  /// `f_type` of statfs(2) for network file systems: NFS, SMB, CIFS, SMB2, Ceph, AFS, 9P, and FUSE,
  /// behind which there may be one.
  private static let remoteTypes: Set<Int> = [
    0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x00c3_6400, 0x5346_414f, 0x0102_1997, 0x6573_5546,
  ]

  let repository: RepositoryID
  let root: FilePath
  let isEncrypted: Bool

  /// - Parameter preferred: a directory that the user chose; used or refused.
  func open(preferred: FilePath?) throws(StoreError) -> PackIndex {
    let name = placeName
    if let preferred {
      return try PackIndex(
        places: [IndexPlace { () throws(StoreError) in preferred.appending(name) }])
    }
    let root = canonicalRoot
    let own = root.appending("index")
    var places: [IndexPlace] = []
    if !isEncrypted, isLocal(root), isOwn(root), isOwn(own) {
      places.append(IndexPlace { () throws(StoreError) in own })
    }
    places.append(
      IndexPlace { () throws(StoreError) in
        try IndexCache(directory: try IndexCache.ofUser(for: root)).place(name, of: root)
      })
    places.append(IndexPlace { () throws(StoreError) in try IndexCache.temporary() })
    return try PackIndex(places: places)
  }

  private var placeName: String {
    let place = Checksum(of: canonicalRoot.escaped.unescapedBytes).description
    return "\(repository)-\(place.prefix(16))"
  }

  private var canonicalRoot: FilePath { root.resolved ?? root }

  private func isLocal(_ path: FilePath) -> Bool {
    var information = statfs()
    guard path.withPlatformString({ statfs($0, &information) }) == 0 else { return true }
    return !Self.remoteTypes.contains(Int(information.f_type))
  }

  /// Whether it is a directory, and no link to one, that nobody but the running user can write to; or
  /// is not there.
  private func isOwn(_ path: FilePath) -> Bool {
    var status = stat()
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return errno == ENOENT }
    return IndexCache.isOwn(status)
  }
}

/// The directory below which a user's indexes lie.
struct IndexCache {
  /// Of an index that was not used for so long and whose repository is gone, this long.
  private static let unusedSeconds = 30 * 24 * 3600

  let directory: FilePath
  private let fileSystem = POSIXFileSystem()

  init(directory: FilePath) { self.directory = directory }

  static func isOwn(_ status: stat) -> Bool {
    status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }

  /// `$XDG_CACHE_HOME/varve`, else `~/.cache/varve`, else, for root, `/var/cache/varve`. A directory that
  /// belongs to somebody else, as under `sudo`, is not taken.
  static func ofUser(for repository: FilePath) throws(StoreError) -> FilePath {
    if let cache = ownDirectory("XDG_CACHE_HOME") { return cache.appending("varve") }
    if let home = ownDirectory("HOME") { return home.appending(".cache").appending("varve") }
    if geteuid() == 0 { return "/var/cache/varve" }
    throw StoreError(
      .index,
      "no directory for the index: it cannot be in the repository \(repository), and neither "
        + "XDG_CACHE_HOME nor HOME names a directory of this user")
  }

  private static func ownDirectory(_ variable: String) -> FilePath? {
    guard let value = getenv(variable) else { return nil }
    let path = FilePath(platformString: value)
    guard path.isAbsolute else { return nil }
    var status = stat()
    // One that is not there is made.
    guard stat(value, &status) == 0 else { return errno == ENOENT ? path : nil }
    return status.st_uid == geteuid() ? path : nil
  }

  /// A directory that only this process uses, where the system keeps such: of no use to the next, and
  /// gone when this one ends.
  static func temporary() throws(StoreError) -> FilePath {
    for directory in FilePath.temporaryDirectories {
      var template = directory.appending("varve-index-XXXXXX").withPlatformString {
        Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
      }
      guard mkdtemp(&template) != nil else { continue }
      let path = template.withUnsafeBufferPointer { FilePath(platformString: $0.baseAddress!) }
      TemporaryIndexes.remember(path)
      return path
    }
    throw StoreError(.noSpace, "no space for the index, not even for temporary files")
  }

  /// The directory `name`, which notes that it belongs to the repository in `root`.
  func place(_ name: String, of root: FilePath) throws(StoreError) -> FilePath {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(
        directory, permissions: .ownerReadWriteExecute)
    }
    var status = stat()
    guard directory.withPlatformString({ lstat($0, &status) }) == 0, Self.isOwn(status) else {
      throw StoreError(
        .index,
        "the index directory \(directory) must belong to the user who runs varve, and be writable for "
          + "nobody else; fix with chown and chmod 700")
    }
    let place = directory.appending(name)
    let origin = place.appending("repository")
    try reportingFileErrors { () throws(FileError) in
      guard try !fileSystem.exists(origin) else { return }
      removeUnused()
      try fileSystem.createDirectories(place, permissions: .ownerReadWriteExecute)
      try fileSystem.writeDurably(
        root.escaped.unescapedBytes + [UInt8(ascii: "\n")], to: origin,
        permissions: .ownerReadWrite)
    }
    return place
  }

  /// Removes indexes of repositories that are gone, which nobody used for a long time.
  private func removeUnused() {
    guard let entries = try? fileSystem.list(directory) else { return }
    for entry in entries where entry.kind == .directory && Self.isPlaceName(entry.name) {
      let place = directory.appending(entry.name)
      guard let origin = try? fileSystem.readAll(place.appending("repository"), limitBytes: 4096),
        origin.last == UInt8(ascii: "\n"),
        (try? fileSystem.exists(Self.path(origin.dropLast()))) == false,
        let data = try? fileSystem.metadata(of: place.appending("data.mdb")),
        data.modified.seconds < Int64(time(nil)) - Int64(Self.unusedSeconds)
      else { continue }
      for name in [
        "data.mdb", "home", "moving-in.lock", "write.lock", "loading.lock", "repository",
      ] {
        try? fileSystem.removeIfThere(place.appending(name))
      }
      try? fileSystem.remove(place)
    }
  }

  private static func path(_ bytes: ArraySlice<UInt8>) -> FilePath {
    (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
      FilePath(platformString: $0.baseAddress!)
    }
  }

  /// Id of a repository, a hyphen, 16 hexadecimal digits.
  private static func isPlaceName(_ name: String) -> Bool {
    guard let hyphen = name.lastIndex(of: "-") else { return false }
    let place = name[name.index(after: hyphen)...]
    return place.utf8.count == 16 && Hexadecimal.decode(String(place)) != nil
  }
}
