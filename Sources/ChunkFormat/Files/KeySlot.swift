/// How a key slot is opened.
package enum KeySlotMethod: UInt8, Sendable, CustomStringConvertible {
  /// scrypt of what a person types.
  case passphrase = 1
  /// HKDF of a file with at least 32 random bytes.
  case keyFile = 2

  package var description: String {
    switch self {
    case .passphrase: "passphrase"
    case .keyFile: "key file"
    }
  }
}

/// One way into an encrypted repository: its keys, wrapped; a file in `keys/`, named by the SHA-256
/// of its bytes (format, "Key slots").
///
/// ```
/// offset size
///      0   64  file header, not sealed; the salt is that of the key derivation
///     64    1  method: 1 passphrase, 2 key file
///     65    1  binary logarithm of scrypt's N; zero for a key file
///     66    2  zeros
///     68    4  scrypt's r; zero for a key file
///     72    4  scrypt's p; zero for a key file
///     76    8  created, nanoseconds since 1970
///     84   64  id key, data key: AES-256-GCM under the derived key, nonce 0, bound to all before it
///    148   16  its tag
///    164    n  label in UTF-8: AES-256-GCM under the same key, nonce 1, bound to all before it
///  164+n   16  its tag
/// ```
package struct KeySlot: Sendable {
  private static let structure = RepositoryFileKind.keySlot.name
  private static let claimsBytes = 84
  private static let wrappedBytes = 2 * RepositoryKeys.keyBytes
  private static let labelOffset = claimsBytes + wrappedBytes + AuthenticatedCipher.tagBytes
  /// A file this long or longer is no key slot.
  package static let maximumFileBytes = labelOffset + 1024
  /// A key file with fewer bytes could be guessed.
  package static let minimumKeyFileBytes = 32

  package let method: KeySlotMethod
  package let created: Nanoseconds
  private let header: FileHeader
  private let cost: ScryptCost
  private let bytes: [UInt8]

  /// Wraps `keys` for whoever has `secret`.
  ///
  /// - Parameters:
  ///   - secret: the passphrase in UTF-8, or the content of the key file.
  ///   - label: what the owner wants to be told about this slot; sealed as well.
  /// - Returns: the bytes of the slot's file.
  package static func encode(
    _ keys: RepositoryKeys, method: KeySlotMethod, secret: SecretBytes, label: String,
    repository: RepositoryID, created: Nanoseconds, cost: ScryptCost = .standard
  ) throws(FormatError) -> [UInt8] {
    try checkSecret(secret, method: method)
    guard label.utf8.count <= Name.maximumBytes else {
      throw FormatError(
        .invalidValue, in: structure, "a label has at most \(Name.maximumBytes) bytes")
    }
    let header = try FileHeader(
      kind: .keySlot, sealing: .none, repository: repository, salted: true)
    let claims = encodeClaims(header: header, method: method, cost: cost, created: created)
    let key = try wrappingKey(method: method, secret: secret, header: header, cost: cost)
    let cipher = try AuthenticatedCipher()
    let wrapped = try keys.idKey.withUnsafeBytes { idKey throws(FormatError) in
      try keys.dataKey.withUnsafeBytes { dataKey throws(FormatError) in
        try seal(Array(idKey) + Array(dataKey), key: key, nonce: 0, after: claims, cipher: cipher)
      }
    }
    return try seal(Array(label.utf8), key: key, nonce: 1, after: wrapped, cipher: cipher)
  }

  /// Reads what can be read of a slot without its secret.
  ///
  /// - Throws: ``FormatError``: `.corrupt`, `.unsupported` for another method or a cost above what
  ///   this program pays, `.wrongRepository`.
  package init(
    encoded bytes: [UInt8], repository: RepositoryID
  ) throws(FormatError) {
    header = try FileHeader(encoded: bytes, expecting: [.keySlot], of: repository)
    guard Self.labelOffset + AuthenticatedCipher.tagBytes...Self.maximumFileBytes ~= bytes.count
    else {
      throw .corrupt(
        Self.structure, expected: "about \(Self.labelOffset) bytes", found: "\(bytes.count)")
    }
    var reader = ByteReader(
      bytes[FileHeader.lengthBytes..<Self.claimsBytes], structure: Self.structure)
    let number: UInt8 = try reader.read()
    guard let method = KeySlotMethod(rawValue: number) else {
      throw FormatError(
        .unsupported, in: Self.structure,
        "method \(number) is not known to this program; a newer varve is needed")
    }
    self.method = method
    let logarithmOfN: UInt8 = try reader.read()
    _ = try reader.read(UInt16.self)
    cost = ScryptCost(
      logarithmOfN: logarithmOfN, blockSize: try reader.read(), parallelism: try reader.read())
    created = try reader.read()
    self.bytes = bytes
    guard method == .keyFile || cost.isAcceptable else {
      throw FormatError(
        .unsupported, in: Self.structure,
        "scrypt with N 2^\(cost.logarithmOfN), r \(cost.blockSize), p \(cost.parallelism) is "
          + "more than this program computes")
    }
  }

  /// Opens the slot.
  ///
  /// - Returns: the keys and the label; nil where `secret` is not the slot's.
  package func open(
    with secret: SecretBytes
  ) throws(FormatError) -> (keys: RepositoryKeys, label: String)? {
    let key = try Self.wrappingKey(method: method, secret: secret, header: header, cost: cost)
    let cipher = try AuthenticatedCipher()
    guard
      let wrapped = try open(
        Self.claimsBytes..<Self.labelOffset, key: key, nonce: 0, cipher: cipher)
    else { return nil }
    guard
      let label = try open(
        Self.labelOffset..<bytes.count, key: key, nonce: 1, cipher: cipher)
    else {
      throw .corrupt(Self.structure, expected: "an authentic label", found: "a broken one")
    }
    return wrapped.withUnsafeBytes { wrapped in
      let keys = RepositoryKeys(
        idKey: SecretBytes(copying: wrapped.part(0..<RepositoryKeys.keyBytes)),
        dataKey: SecretBytes(copying: wrapped.part(RepositoryKeys.keyBytes..<Self.wrappedBytes)))
      return (keys, label.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }
  }

  private static func checkSecret(
    _ secret: SecretBytes, method: KeySlotMethod
  ) throws(FormatError) {
    switch method {
    case .passphrase where secret.count == 0:
      throw FormatError(.invalidValue, in: structure, "an empty passphrase protects nothing")
    case .keyFile where secret.count < minimumKeyFileBytes:
      throw FormatError(
        .invalidValue, in: structure,
        "a key file has at least \(minimumKeyFileBytes) random bytes, this one has "
          + "\(secret.count)")
    default: break
    }
  }

  private static func encodeClaims(
    header: FileHeader, method: KeySlotMethod, cost: ScryptCost, created: Nanoseconds
  ) -> [UInt8] {
    let usesScrypt = method == .passphrase
    var writer = ByteWriter()
    writer.write(raw: header.encoded())
    writer.write(method.rawValue)
    writer.write(usesScrypt ? cost.logarithmOfN : 0)
    writer.write(UInt16(0))
    writer.write(usesScrypt ? cost.blockSize : 0)
    writer.write(usesScrypt ? cost.parallelism : 0)
    writer.write(created)
    return writer.bytes
  }

  private static func wrappingKey(
    method: KeySlotMethod, secret: SecretBytes, header: FileHeader, cost: ScryptCost
  ) throws(FormatError) -> SecretBytes {
    switch method {
    case .passphrase:
      try KeyDerivation.scrypt(secret, salt: header.salt, cost: cost)
    case .keyFile:
      try KeyDerivation.hkdf(secret, salt: header.salt, purpose: RepositoryFileKind.keySlot.purpose)
    }
  }

  /// `preceding`, then `plaintext` sealed and bound to it, then the tag.
  private static func seal(
    _ plaintext: [UInt8], key: SecretBytes, nonce: UInt32, after preceding: [UInt8],
    cipher: AuthenticatedCipher
  ) throws(FormatError) -> [UInt8] {
    var bytes =
      preceding + plaintext + Array(repeating: 0, count: AuthenticatedCipher.tagBytes)
    try bytes.withMutableBytes { bytes throws(FormatError) in
      let end = bytes.count - AuthenticatedCipher.tagBytes
      try cipher.seal(
        UnsafeMutableRawBufferPointer(rebasing: bytes[preceding.count..<end]),
        tag: UnsafeMutableRawBufferPointer(rebasing: bytes[end...]), key: key, nonce: nonce,
        binding: preceding)
    }
    return bytes
  }

  private func open(
    _ range: Range<Int>, key: SecretBytes, nonce: UInt32, cipher: AuthenticatedCipher
  ) throws(FormatError) -> SecretBytes? {
    let end = range.upperBound - AuthenticatedCipher.tagBytes
    var authentic = false
    let plaintext = try SecretBytes(count: end - range.lowerBound) {
      output throws(FormatError) in
      authentic = try bytes.withBytes { bytes throws(FormatError) in
        try cipher.open(
          bytes.part(range.lowerBound..<end), tag: bytes.part(end..<range.upperBound), key: key,
          nonce: nonce, binding: Array(bytes.part(0..<range.lowerBound)), into: output)
      }
    }
    return authentic ? plaintext : nil
  }
}
