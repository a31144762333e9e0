package import ChunkFormat
import FileIO
import SystemPackage

/// What opens a repository.
package enum UnlockSecret: Sendable {
  /// A passphrase in UTF-8.
  case passphrase(SecretBytes)
  /// The content of a key file; to open with, that of a file with the paper key does as well.
  case keyFile(SecretBytes)

  var method: KeySlotMethod {
    switch self {
    case .passphrase: .passphrase
    case .keyFile: .keyFile
    }
  }

  var bytes: SecretBytes {
    switch self {
    case .passphrase(let bytes), .keyFile(let bytes): bytes
    }
  }
}

/// A key slot as it is listed.
package struct KeySlotListing: Sendable {
  /// The name of the slot's file.
  package let id: FileDigest
  package let method: KeySlotMethod
  package let created: Nanoseconds
  /// Whether this is the slot that opened the repository now.
  package let isCurrent: Bool
  /// What its owner called it; known only of the slot that opened the repository.
  package let label: String?
}

/// The key slots of a repository: the files in `keys/`.
struct KeyRing: Sendable {
  /// What opened the repository.
  struct Opened: Sendable {
    let keys: RepositoryKeys
    /// Nil where the paper key did it.
    let slot: FileDigest?
    let label: String
  }

  let layout: RepositoryLayout
  let fileSystem: any FileSystem
  let repository: RepositoryID

  /// Tries `secret` on every slot of its method.
  ///
  /// - Throws: ``StoreError``: `.wrongKey` where none opens; slots that are damaged are named then.
  func open(with secret: UnlockSecret) throws(StoreError) -> Opened {
    if let keys = try keysOnPaper(secret) { return Opened(keys: keys, slot: nil, label: "") }
    var problems: [String] = []
    let ids = try ids()
    guard !ids.isEmpty else {
      throw StoreError(
        .wrongKey,
        "there is no key in \(layout.keys): bring the directory back from another copy, or add a key "
          + "with the one from paper, 'varve key import'")
    }
    for id in ids {
      do throws(StoreError) {
        let slot = try slot(id)
        guard slot.method == secret.method else { continue }
        let opened = try reportingFormatErrors(of: "key \(id)") { () throws(FormatError) in
          try slot.open(with: secret.bytes)
        }
        if let (keys, label) = opened {
          return Opened(keys: keys, slot: id, label: label)
        }
      } catch  where error.code != .notFound {
        problems.append(error.description)
      }
    }
    let damage = problems.isEmpty ? "" : "; unreadable: \(problems.joined(separator: "; "))"
    throw StoreError(
      .wrongKey, "no key of the repository opens with this \(secret.method)\(damage)")
  }

  private func keysOnPaper(_ secret: UnlockSecret) throws(StoreError) -> RepositoryKeys? {
    guard case .keyFile(let content) = secret else { return nil }
    let text = content.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    guard PaperKey.isOne(text) else { return nil }
    return try reportingFormatErrors(of: "paper key") { () throws(FormatError) in
      try PaperKey.decode(text, repository: repository)
    }
  }

  func list(current: Opened?) throws(StoreError) -> [KeySlotListing] {
    var listing: [KeySlotListing] = []
    for id in try ids() {
      let slot = try slot(id)
      let isCurrent = id == current?.slot
      listing.append(
        KeySlotListing(
          id: id, method: slot.method, created: slot.created, isCurrent: isCurrent,
          label: isCurrent ? current?.label : nil))
    }
    return listing.sorted { ($0.created, $0.id) < ($1.created, $1.id) }
  }

  /// Waits until nobody else makes the repository, or adds or removes a key.
  func lock() throws(StoreError) -> any OpenFile {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(
        layout.keys, permissions: RepositoryLayout.directoryPermissions)
      return try fileSystem.lockFile(layout.keysLock, .exclusive)
    }
  }

  /// Adds a slot and returns its name. For who holds the lock.
  func add(
    _ keys: RepositoryKeys, secret: UnlockSecret, label: String, created: Nanoseconds,
    cost: ScryptCost
  ) throws(StoreError) -> FileDigest {
    let (bytes, id) = try reportingFormatErrors(of: "new key") {
      () throws(FormatError) -> ([UInt8], FileDigest) in
      let bytes = try KeySlot.encode(
        keys, method: secret.method, secret: secret.bytes, label: label, repository: repository,
        created: created, cost: cost)
      return (bytes, try FileDigest(of: bytes))
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        bytes, to: layout.key(id), permissions: RepositoryLayout.filePermissions)
    }
    return id
  }

  /// Removes a slot, but never the last one that can be read.
  func remove(_ id: FileDigest) throws(StoreError) {
    let lock = try lock()
    defer { lock.close() }
    let ids = try ids()
    guard ids.contains(id) else {
      throw StoreError(.notFound, "the repository has no key \(id)")
    }
    guard ids.contains(where: { $0 != id && (try? slot($0)) != nil }) else {
      throw StoreError(
        .invalidRequest,
        "key \(id) is the only one that can be used: without it nobody could open the repository "
          + "again; add another key first")
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.remove(layout.key(id))
      try fileSystem.synchronizeDirectory(layout.keys)
    }
  }

  /// Removes every slot. Only for a directory that is no repository yet.
  func removeAll() throws(StoreError) {
    for id in try ids() {
      try reportingFileErrors { () throws(FileError) in try fileSystem.remove(layout.key(id)) }
    }
  }

  /// Names of all slots, readable or not.
  func ids() throws(StoreError) -> [FileDigest] {
    // A repository that is not encrypted has none, and a copy of it perhaps no directory for them.
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.listIfThere(layout.keys)?
        .filter { $0.kind == .file }.compactMap { FileDigest(name: $0.name) } ?? []
    }
  }

  private func slot(_ id: FileDigest) throws(StoreError) -> KeySlot {
    let bytes = try reportingFileErrors { () throws(FileError) in
      try fileSystem.readAll(layout.key(id), limitBytes: KeySlot.maximumFileBytes)
    }
    return try reportingFormatErrors(of: "key \(id)") { () throws(FormatError) in
      let digest = try FileDigest(of: bytes)
      guard digest == id else {
        throw .corrupt("key slot", expected: "content with the SHA-256 \(id)", found: "\(digest)")
      }
      return try KeySlot(encoded: bytes, repository: repository)
    }
  }
}
