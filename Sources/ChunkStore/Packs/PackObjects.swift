import ChunkFormat
import ObjectStorage
import Synchronization

/// The packs of a repository, and those that were used of late, open.
final class PackObjects: Sendable {
  /// Packs kept at hand.
  private static let capacity = 256

  private struct State {
    var packs: [PackID: (pack: Pack, lastUse: UInt64)] = [:]
    var clock: UInt64 = 0
  }

  private let storage: any ObjectStorage
  private let repository: RepositoryID
  private let keys: RepositoryKeys?
  private let state = Mutex(State())
  private let openPacks = OpenPacks()

  init(
    storage: any ObjectStorage, repository: RepositoryID, keys: RepositoryKeys?
  ) {
    self.storage = storage
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

  /// A pack as it is stored, described by its own header.
  func pack(_ id: PackID, kind: PackKind) throws(StoreError) -> Pack {
    let (object, bytes, length) = try reportingStorageErrors {
      () throws(StorageError) -> (any StoredObject, [UInt8], UInt64) in
      let object = try storage.open(kind.key(id))
      return (
        object, try object.bytes(count: FileHeader.lengthBytes, at: 0), try object.sizeBytes()
      )
    }
    let header = try reportingFormatErrors(of: "pack \(id)", pack: id) {
      () throws(FormatError) in
      try FileHeader(encoded: bytes, expecting: [kind.fileKind], of: repository)
    }
    return try makePack(id, kind: kind, lengthBytes: length, header: header, object: object)
  }

  /// Whether the pack is there.
  package func isThere(_ id: PackID, _ kind: PackKind) throws(StoreError) -> Bool {
    try reportingStorageErrors { () throws(StorageError) in try storage.exists(kind.key(id)) }
  }

  /// Every pack in the repository; an area that cannot be listed is an error.
  func list() throws(StoreError) -> [(id: PackID, kind: PackKind)] {
    var packs: [(id: PackID, kind: PackKind)] = []
    for kind in PackKind.allCases {
      let listed = try reportingStorageErrors { () throws(StorageError) in
        try storage.list(kind.area)
      }
      for object in listed where object.kind == .object {
        if let id = PackID(name: object.key.name) { packs.append((id, kind)) }
      }
    }
    return packs
  }

  /// Makes sure that `packs`, which are there, are there after a power failure too.
  func makeNamesDurable(of packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    try reportingStorageErrors { () throws(StorageError) in
      try storage.settlePacks(packs.map { $0.kind.key($0.id) })
    }
  }

  /// Deletes `packs`, durably; those that are gone already are no error.
  func delete(_ packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    for kind in PackKind.allCases {
      let ids = packs.filter { $0.kind == kind }.map(\.id)
      guard !ids.isEmpty else { continue }
      // Also after a failure: some may be gone.
      defer { for id in ids { forget(id) } }
      try reportingStorageErrors { () throws(StorageError) in
        try storage.remove(ids.map(\.description), from: kind.area)
      }
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
    object: (any StoredObject)? = nil
  ) throws(StoreError) -> Pack {
    let seal = try reportingFormatErrors(of: "pack \(id)", pack: id) { () throws(FormatError) in
      try PackSeal(header: header, keys: keys)
    }
    let pack = Pack(
      id: id, kind: kind, lengthBytes: lengthBytes, seal: seal, object: object,
      openPacks: openPacks
    ) { [storage] () throws(StorageError) in try storage.open(kind.key(id)) }
    if object != nil { openPacks.note(pack) }
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
