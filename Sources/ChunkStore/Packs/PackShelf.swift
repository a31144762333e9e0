import ChunkFormat
import FileIO
import Synchronization
import SystemPackage

/// The packs' directories, and the packs that were used of late, with their files open.
final class PackShelf: Sendable {
  /// Packs kept at hand.
  private static let capacity = 256

  private struct State {
    var packs: [PackID: (pack: Pack, lastUse: UInt64)] = [:]
    var clock: UInt64 = 0
  }

  private let layout: RepositoryLayout
  private let fileSystem: any FileSystem
  private let repository: RepositoryID
  private let keys: RepositoryKeys?
  private let state = Mutex(State())
  private let openPacks = OpenPacks()

  init(
    layout: RepositoryLayout, fileSystem: any FileSystem, repository: RepositoryID,
    keys: RepositoryKeys?
  ) {
    self.layout = layout
    self.fileSystem = fileSystem
    self.repository = repository
    self.keys = keys
  }

  /// What ids are made with in an encrypted repository.
  var idKey: SecretBytes? { keys?.idKey }

  /// The pack that the index describes.
  func pack(_ indexed: IndexedPack) throws(StoreError) -> Pack {
    if let pack = cached(indexed.id) { return pack }
    let header = try reportingFormatErrors(of: "pack \(indexed.id)", pack: indexed.id) {
      () throws(FormatError) in
      try FileHeader(
        encoded: indexed.header, expecting: [indexed.kind.fileKind], of: repository)
    }
    let pack = try makePack(
      indexed.id, kind: indexed.kind, lengthBytes: indexed.lengthBytes, header: header)
    remember(pack)
    return pack
  }

  /// A pack as it lies on disk, described by its own header.
  func pack(_ id: PackID, kind: PackKind) throws(StoreError) -> Pack {
    let path = layout.pack(kind, id)
    let (file, bytes, length) = try reportingFileErrors {
      () throws(FileError) -> (any OpenFile, [UInt8], UInt64) in
      let file = try fileSystem.openFile(path, for: .reading)
      return (file, try file.readBytes(count: FileHeader.lengthBytes, at: 0), try file.sizeBytes())
    }
    let header = try reportingFormatErrors(of: "pack \(id)", pack: id) {
      () throws(FormatError) in
      try FileHeader(encoded: bytes, expecting: [kind.fileKind], of: repository)
    }
    return try makePack(id, kind: kind, lengthBytes: length, header: header, file: file)
  }

  /// Whether the pack's file is there.
  func isThere(_ id: PackID, _ kind: PackKind) throws(StoreError) -> Bool {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.exists(layout.pack(kind, id))
    }
  }

  /// Every pack in the repository; a directory that cannot be listed is an error.
  func list() throws(StoreError) -> [(id: PackID, kind: PackKind)] {
    var packs: [(id: PackID, kind: PackKind)] = []
    for kind in PackKind.allCases {
      let directory = layout.packDirectory(kind)
      try reportingFileErrors(in: directory, of: fileSystem) { () throws(FileError) in
        for shard in try fileSystem.list(directory) where shard.kind == .directory {
          let path = directory.appending(entry: shard.name)
          for file in try fileSystem.list(path) {
            // Under another directory's name nobody would look for it.
            if let id = PackID(name: file.name), file.name.hasPrefix(shard.name),
              file.kind == .file
            {
              packs.append((id, kind))
            }
          }
        }
      }
    }
    return packs
  }

  /// Makes sure that `packs`, which are there, are there after a power failure too.
  func makeNamesDurable(of packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    var directories: Set<FilePath> = []
    for (id, kind) in packs {
      directories.insert(layout.packDirectory(kind))
      directories.insert(layout.packShard(kind, of: id))
    }
    try reportingFileErrors { () throws(FileError) in
      // Nothing is pending on a medium that cannot be written to, a name that went with its directory is
      // found missing when its pack is opened, and another user's directory is that user's to make durable.
      try fileSystem.synchronizeDirectories(
        directories.sorted { $0.string < $1.string },
        ignoring: [.readOnly, .notFound, .permissionDenied])
    }
  }

  /// Deletes the files of `packs`, durably; those that are gone already are no error.
  func delete(_ packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.removeIfThere(packs.map { layout.pack($0.kind, $0.id) })
    }
    try makeNamesDurable(of: packs)
    for (id, _) in packs {
      forget(id)
    }
  }

  /// Lets go of packs that were deleted while they were open, whose space is free only then.
  func releaseDeleted() {
    for pack in state.withLock({ $0.packs.values.map(\.pack) }) where pack.closeIfDeleted() {
      forget(pack.id)
    }
  }

  /// Lets go of a pack whose file may be gone.
  func forget(_ id: PackID) {
    state.withLock { $0.packs[id] = nil }
  }

  private func makePack(
    _ id: PackID, kind: PackKind, lengthBytes: UInt64, header: FileHeader,
    file: (any OpenFile)? = nil
  ) throws(StoreError) -> Pack {
    let seal = try reportingFormatErrors(of: "pack \(id)", pack: id) { () throws(FormatError) in
      try PackSeal(header: header, keys: keys)
    }
    let pack = Pack(
      id: id, kind: kind, lengthBytes: lengthBytes, seal: seal, file: file, openPacks: openPacks
    ) { [fileSystem, layout] () throws(FileError) in
      try fileSystem.openFile(layout.pack(kind, id), for: .reading)
    }
    if file != nil { openPacks.note(pack) }
    return pack
  }

  private func cached(_ id: PackID) -> Pack? {
    state.withLock { state in
      guard let pack = state.packs[id]?.pack else { return nil }
      state.clock += 1
      state.packs[id]?.lastUse = state.clock
      return pack
    }
  }

  private func remember(_ pack: Pack) {
    state.withLock { state in
      state.clock += 1
      state.packs[pack.id] = (pack, state.clock)
      // Half of them go at once, so that the search for the oldest is paid rarely.
      guard state.packs.count > Self.capacity else { return }
      let uses = state.packs.values.map(\.lastUse).sorted()
      let median = uses[uses.count / 2]
      state.packs = state.packs.filter { $0.value.lastUse >= median }
    }
  }
}

extension OpenFile {
  /// `count` bytes at `offsetBytes`, fewer where the file ends before.
  func readBytes(count: Int, at offsetBytes: UInt64) throws(FileError) -> [UInt8] {
    try .filled(count: count) { buffer throws(FileError) in
      try read(into: buffer, at: offsetBytes)
    }
  }
}
