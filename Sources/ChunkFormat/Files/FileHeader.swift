/// The kinds of file that a repository holds, each with a magic of its own.
package enum RepositoryFileKind: String, Sendable, CaseIterable {
  case configuration = "VARVECFG"
  case keySlot = "VARVEKEY"
  case dataPack = "VARVEPKD"
  case mapPack = "VARVEPKM"
  case revision = "VARVEREV"
  case marks = "VARVEMRK"
  case session = "VARVESES"
  case condemnation = "VARVECND"
  case policies = "VARVEPOL"
  case quarantine = "VARVEQUA"
  case pin = "VARVEPIN"

  /// The name in errors.
  package var name: String {
    switch self {
    case .configuration: "repository configuration"
    case .keySlot: "key slot"
    case .dataPack: "data pack"
    case .mapPack: "map pack"
    case .revision: "revision"
    case .marks: "revision's marks"
    case .session: "session"
    case .condemnation: "condemnation"
    case .policies: "retention policies"
    case .quarantine: "quarantine report"
    case .pin: "pin"
    }
  }

  /// The purpose of a key that is derived for such a file; part of the derivation.
  var purpose: String { "file \(rawValue)" }

  /// Whether the file must be readable without keys; its header then always says that it is not
  /// sealed.
  var isReadBeforeKeys: Bool { self == .configuration || self == .keySlot }

  /// Whether files of this kind hold a random nonce, so that no two have the same name even if
  /// their content is equal. Without it, a new pack could have the name of a pack with the same
  /// records that is being deleted, and would be deleted with it.
  var isUnique: Bool { self == .dataPack || self == .mapPack }

  /// The newest version of this kind; each kind has its own count.
  var version: UInt16 { 1 }
}

/// How the rest of a file is sealed.
package enum Sealing: UInt8, Sendable {
  /// Not sealed: the repository is not encrypted.
  case none = 0
  /// AES-256-GCM under a key derived from the data key and the header's salt.
  case dataKey = 1
}

/// The identifier of a repository, 16 random bytes. All its files carry it, so files of another
/// repository are recognised.
package struct RepositoryID: Hashable, Sendable, CustomStringConvertible {
  static let lengthBytes = 16

  let bytes: [UInt8]

  init(bytes: [UInt8]) {
    precondition(bytes.count == Self.lengthBytes)
    self.bytes = bytes
  }

  /// A new identifier.
  package static func random() throws(FormatError) -> RepositoryID {
    RepositoryID(bytes: try Randomness.bytes(count: lengthBytes))
  }

  /// 32 hexadecimal digits.
  package var description: String { bytes.withUnsafeBytes { Hexadecimal.encode($0) } }
}

/// The first 64 bytes of every file of a repository (format, "File header").
///
/// ```
/// offset size
///      0    8  magic of the kind of file
///      8    2  version of the kind's format, 1
///     10    1  sealing: 0 none, 1 AES-256-GCM under a key derived from the data key
///     11    5  zeros
///     16   16  repository id
///     32   32  salt: random in a sealed file and in a key slot; in an unsealed pack 16 random
///              bytes, then the XXH3-128 of the 48 bytes before it, or zeros; else zeros
/// ```
package struct FileHeader: Equatable, Sendable {
  package static let lengthBytes = 64
  static let saltBytes = 32

  package let kind: RepositoryFileKind
  package let sealing: Sealing
  package let repository: RepositoryID
  /// 32 bytes.
  package let salt: [UInt8]

  /// A header for a new file; with a random salt if `salted`. The salt of a pack that is not sealed
  /// is always 16 random bytes with a checksum.
  init(
    kind: RepositoryFileKind, sealing: Sealing, repository: RepositoryID, salted: Bool
  ) throws(FormatError) {
    self.kind = kind
    self.sealing = sealing
    self.repository = repository
    if kind.isUnique, sealing == .none {
      let random = try Randomness.bytes(count: Self.saltBytes - Checksum.lengthBytes)
      let start = Self.start(kind: kind, sealing: sealing, repository: repository) + random
      salt = random + Checksum(of: start).encoded
    } else {
      salt =
        salted
        ? try Randomness.bytes(count: Self.saltBytes)
        : Array(repeating: 0, count: Self.saltBytes)
    }
  }

  /// A header of a file of `kind` in a repository that is not encrypted. The headers of two packs
  /// differ in their salts.
  package static func plain(
    _ kind: RepositoryFileKind, of repository: RepositoryID
  ) throws(FormatError) -> FileHeader {
    try FileHeader(kind: kind, sealing: .none, repository: repository, salted: false)
  }

  /// The 64 bytes.
  package func encoded() -> [UInt8] {
    Self.start(kind: kind, sealing: sealing, repository: repository) + salt
  }

  /// The bytes before the salt.
  private static func start(
    kind: RepositoryFileKind, sealing: Sealing, repository: RepositoryID
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(raw: kind.rawValue.utf8)
    writer.write(kind.version)
    writer.write(sealing.rawValue)
    writer.write(raw: repeatElement(0, count: 5))
    writer.write(raw: repository.bytes)
    return writer.bytes
  }

  /// Reads the header of a file that should be one of `kinds`. Unless `repository` is nil, the file
  /// must belong to it.
  ///
  /// - Throws: ``FormatError``: `.corrupt`, `.unsupported` for another version or sealing,
  ///   `.wrongRepository`.
  package init(
    encoded bytes: some Collection<UInt8>, expecting kinds: [RepositoryFileKind],
    of repository: RepositoryID?
  ) throws(FormatError) {
    let structure = "header of a \(kinds.map(\.name).joined(separator: " or "))"
    var reader = ByteReader(Array(bytes.prefix(Self.lengthBytes)), structure: structure)
    let magic = try reader.read(count: 8)
    guard let kind = kinds.first(where: { $0.rawValue.utf8.elementsEqual(magic) }) else {
      throw .corrupt(
        structure, expected: "magic \(kinds.map(\.rawValue).joined(separator: " or "))",
        found: magic.withUnsafeBytes { Hexadecimal.encode($0) })
    }
    let version: UInt16 = try reader.read()
    guard version == kind.version else {
      throw .unsupportedVersion(kind.name, found: version, known: kind.version)
    }
    let sealing: UInt8 = try reader.read()
    guard let sealing = Sealing(rawValue: sealing) else {
      throw FormatError(
        .unsupported, in: structure,
        "sealing method \(sealing) is not supported; use a newer version of varve")
    }
    guard try reader.read(count: 5).allSatisfy({ $0 == 0 }) else {
      throw .corrupt(structure, expected: "zeros at offset 11", found: "other bytes")
    }
    self.kind = kind
    self.sealing = sealing
    self.repository = RepositoryID(bytes: Array(try reader.read(count: RepositoryID.lengthBytes)))
    self.salt = Array(try reader.read(count: Self.saltBytes))
    guard sealing == .none || !kind.isReadBeforeKeys else {
      throw .corrupt(structure, expected: "a header of a file that is not sealed", found: "another")
    }
    try checkSalt(in: structure)
    if let repository, repository != self.repository {
      throw FormatError(
        .wrongRepository, in: structure,
        "belongs to repository \(self.repository), not to \(repository)")
    }
  }

  /// Without a seal and a derived key, only this check finds a flipped bit in the salt.
  private func checkSalt(in structure: String) throws(FormatError) {
    guard sealing == .none, kind != .keySlot, salt.contains(where: { $0 != 0 }) else { return }
    guard kind.isUnique else {
      throw .corrupt(structure, expected: "zeros for a salt", found: "other bytes")
    }
    let checked = encoded().dropLast(Checksum.lengthBytes)
    guard Checksum(of: Array(checked)).encoded.elementsEqual(salt.suffix(Checksum.lengthBytes))
    else {
      throw .corrupt(structure, expected: "a salt with its checksum", found: "other bytes")
    }
  }
}
