package import CalendarTime
package import ChunkFormat
package import ObjectStorage
import Remedies

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

  package var bytes: SecretBytes {
    switch self {
    case .passphrase(let bytes), .keyFile(let bytes): bytes
    }
  }
}

/// A key slot as it is listed.
package struct KeySlotListing: Sendable {
  /// The name of the slot's file.
  package let id: KeyID
  /// Nil, like ``created``, of a slot that cannot be used; ``problem`` says why.
  package let method: KeySlotMethod?
  package let created: Timestamp?
  package let problem: String?
  /// Whether this is the slot that opened the repository now.
  package let isCurrent: Bool
  /// What its owner called it; known only of the slot that opened the repository.
  package let label: String?
}

/// The key slots of a repository: the files in `keys/`.
package struct KeyRing: Sendable {
  /// What opened the repository.
  struct Opened: Sendable {
    let keys: RepositoryKeys
    /// Nil where the paper key did it.
    let slot: KeyID?
    let label: String
    /// Slots that were not tried, and why.
    var warnings: [String] = []
  }

  /// Slots that are looked at; more files than that are nobody's passphrases.
  private static let slotLimit = 1024
  /// Problems of so many slots are named, the others counted.
  private static let namedProblems = 3

  let storage: any ObjectStorage
  let repository: RepositoryID

  private var place: String { storage.place(of: .keys) }

  /// Tries `secret` on the slots of its method, the cheapest first, since a slot's cost is whatever its
  /// file says. Slots beyond ``KeySlot/workLimit`` altogether are left out.
  ///
  /// - Throws: ``StoreError``: `.wrongKey` where none opens; slots that could not be tried are named
  ///   then.
  func open(with secret: UnlockSecret) throws(StoreError) -> Opened {
    if let keys = try keysOnPaper(secret) { return Opened(keys: keys, slot: nil, label: "") }
    let ids = try ids()
    guard !ids.isEmpty else {
      throw StoreError(.wrongKey, "there is no key in \(place)", remedy: .importKey)
    }
    var (slots, problems) = try candidates(ids, method: secret.method)
    var work: UInt64 = 0
    while let (id, slot) = slots.popLast() {
      guard work + slot.work <= KeySlot.workLimit else {
        problems.append(
          "\(slots.count + 1) keys were not tried because it would take too long; remove unused keys "
            + "from \(place)")
        break
      }
      work += slot.work
      do throws(StoreError) {
        let opened = try reportingFormatErrors(of: "key \(id)") { () throws(FormatError) in
          try slot.open(with: secret.bytes)
        }
        if let (keys, label) = opened {
          return Opened(keys: keys, slot: id, label: label, warnings: Self.named(problems))
        }
      } catch {
        problems.append(error.description)
      }
    }
    let damage =
      problems.isEmpty
      ? "" : "; keys that cannot be read: \(Self.named(problems).joined(separator: "; "))"
    throw StoreError(
      .wrongKey, "wrong \(secret.method)\(damage)")
  }

  /// The slots that a secret can be tried on, the cheapest last, and what is wrong with the others.
  private func candidates(
    _ ids: [KeyID], method: KeySlotMethod
  ) throws(StoreError) -> (slots: [(id: KeyID, slot: KeySlot)], problems: [String]) {
    var slots: [(id: KeyID, slot: KeySlot)] = []
    var problems: [String] = []
    for id in ids.prefix(Self.slotLimit) {
      do throws(StoreError) {
        let slot = try slot(id)
        if slot.method == method { slots.append((id, slot)) }
      } catch  where error.code != .notFound {
        problems.append(error.description)
      } catch {
        // It was removed meanwhile.
      }
    }
    if ids.count > Self.slotLimit {
      problems.append(
        "\(place) holds \(ids.count) keys; only \(Self.slotLimit) of them are read")
    }
    slots.sort { ($0.slot.work, $0.id) > ($1.slot.work, $1.id) }
    return (slots, problems)
  }

  private static func named(_ problems: [String]) -> [String] {
    let further = problems.count - namedProblems
    return further > 0
      ? problems.prefix(namedProblems) + ["\(further) more keys cannot be used"] : problems
  }

  private func keysOnPaper(_ secret: UnlockSecret) throws(StoreError) -> RepositoryKeys? {
    guard case .keyFile(let content) = secret else { return nil }
    let text = content.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    guard PaperKey.isOne(text) else { return nil }
    return try reportingFormatErrors(of: "paper key") { () throws(FormatError) in
      try PaperKey.decode(text, repository: repository)
    }
  }

  /// All slots, the oldest first; those that cannot be used come last.
  func list(current: Opened?) throws(StoreError) -> [KeySlotListing] {
    var listing: [KeySlotListing] = []
    for id in try ids() {
      let isCurrent = id == current?.slot
      do throws(StoreError) {
        let slot = try slot(id)
        listing.append(
          KeySlotListing(
            id: id, method: slot.method, created: slot.created, problem: nil,
            isCurrent: isCurrent, label: isCurrent ? current?.label : nil))
      } catch  where error.code != .notFound {
        listing.append(
          KeySlotListing(
            id: id, method: nil, created: nil, problem: error.description, isCurrent: false,
            label: nil))
      } catch {
        // It was removed meanwhile.
      }
    }
    return listing.sorted { ($0.created ?? .latest, $0.id) < ($1.created ?? .latest, $1.id) }
  }

  /// Waits until nobody else makes the repository, or adds or removes a key.
  package func lock() throws(StoreError) -> any StorageLock {
    try reportingStorageErrors { () throws(StorageError) in try storage.lock(.keys) }
  }

  /// Adds a slot and returns its name. For who holds the lock.
  func add(
    _ keys: RepositoryKeys, secret: UnlockSecret, label: String, created: Timestamp,
    cost: ScryptCost
  ) throws(StoreError) -> KeyID {
    let (bytes, id) = try reportingFormatErrors(of: "new key") {
      () throws(FormatError) -> ([UInt8], KeyID) in
      let bytes = try KeySlot.encode(
        keys, method: secret.method, secret: secret.bytes, label: label, repository: repository,
        created: created, cost: cost)
      return (bytes, try KeyID(of: bytes))
    }
    try reportingStorageErrors { () throws(StorageError) in
      try storage.put(bytes, as: id.key)
    }
    return id
  }

  /// Removes a slot, but never the last one that can be read.
  func remove(_ id: KeyID) throws(StoreError) {
    let lock = try lock()
    defer { lock.release() }
    let ids = try ids()
    guard ids.contains(id) else {
      throw StoreError(.notFound, "the repository has no key \(id)")
    }
    guard ids.contains(where: { $0 != id && (try? slot($0)) != nil }) else {
      throw StoreError(
        .invalidRequest,
        "key \(id) is the only usable one: without it nobody could open the repository; add another "
          + "key first")
    }
    _ = try reportingStorageErrors { () throws(StorageError) in try storage.remove(id.key) }
  }

  /// Removes every slot. Only for a directory that is no repository yet.
  func removeAll() throws(StoreError) {
    for id in try ids() {
      _ = try reportingStorageErrors { () throws(StorageError) in try storage.discard(id.key) }
    }
  }

  /// Names of all slots, readable or not.
  func ids() throws(StoreError) -> [KeyID] {
    // A repository that is not encrypted has none, and a copy of it perhaps no directory for them.
    try reportingStorageErrors { () throws(StorageError) in
      try storage.listIfThere(.keys)?
        .filter { $0.kind == .object }.compactMap { KeyID(name: $0.key.name) } ?? []
    }
  }

  private func slot(_ id: KeyID) throws(StoreError) -> KeySlot {
    try SmallObjects(storage: storage, repository: repository, keys: nil).read(
      id.key, limitBytes: KeySlot.maximumFileBytes, as: "key \(id)",
      gone: "the repository has no key \(id)"
    ) { bytes throws(FormatError) in
      try id.digest.check(bytes, of: .keySlot)
      return try KeySlot(encoded: bytes, repository: repository)
    }
  }
}

extension KeyID {
  fileprivate var key: ObjectKey { ObjectKey(.keys, description) }
}
