package import CalendarTime

/// The kind of secret that opens a key slot.
package enum KeySlotMethod: UInt8, Sendable, CustomStringConvertible {
  /// scrypt of a passphrase.
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

/// The keys of an encrypted repository, wrapped with one secret: a file in `keys/`, named by the
/// SHA-256 of its bytes (format, "Key slots").
///
/// ```
/// offset size
///      0   64  file header, not sealed; the wrapping key is derived with its salt
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
  /// The largest valid key slot.
  package static let maximumFileBytes = labelOffset + 1024
  /// The shortest key file: a shorter one could be guessed.
  package static let minimumKeyFileBytes = 32

  /// The limit for the sum of ``work`` when a passphrase is tried on the slots of a repository: as
  /// much as 64 standard slots cost. Slots beyond the limit are not tried.
  package static let workLimit = 64 * ScryptCost.standard.work

  package let method: KeySlotMethod
  package let created: Timestamp
  /// The cost of one attempt as scrypt's N · r · p; 0 for a key file.
  package var work: UInt64 { method == .passphrase ? cost.work : 0 }
  private let header: FileHeader
  private let cost: ScryptCost
  private let bytes: [UInt8]

  /// Wraps `keys` with `secret`.
  ///
  /// - Parameters:
  ///   - secret: the passphrase in UTF-8, or the content of the key file.
  ///   - label: a description for the owner; sealed as well.
  /// - Returns: the bytes of the slot's file.
  package static func encode(
    _ keys: RepositoryKeys, method: KeySlotMethod, secret: SecretBytes, label: String,
    repository: RepositoryID, created: Timestamp, cost: ScryptCost = .standard
  ) throws(FormatError) -> [UInt8] {
    try checkSecret(secret, method: method)
    guard label.utf8.count <= Name.maximumBytes else {
      throw FormatError(
        .invalidValue, in: structure, "a label has at most \(Name.maximumBytes) bytes")
    }
    guard method == .keyFile || cost.isAcceptable else {
      throw FormatError(
        .invalidValue, in: structure, "nobody could open a slot with a cost of \(cost)")
    }
    guard created >= .epoch else {
      throw FormatError(.invalidValue, in: structure, "no key is older than 1970")
    }
    let header = try FileHeader(
      kind: .keySlot, sealing: .none, repository: repository, salted: true)
    let claims = encodeClaims(header: header, method: method, cost: cost, created: created)
    let key = try wrappingKey(method: method, secret: secret, header: header, cost: cost)
    let cipher = try AuthenticatedCipher()
    let wrapped = try seal(
      [keys.idKey, keys.dataKey], key: key, nonce: 0, after: claims, cipher: cipher)
    return try seal(
      [SecretBytes(copying: Array(label.utf8))], key: key, nonce: 1, after: wrapped,
      cipher: cipher)
  }

  /// Reads the parts of a slot that need no secret.
  ///
  /// - Throws: ``FormatError``: `.corrupt`, `.unsupported` for another method or a cost outside the
  ///   limits, `.wrongRepository`.
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
        "method \(number) is not supported; use a newer version of varve")
    }
    self.method = method
    let logarithmOfN: UInt8 = try reader.read()
    let zeros: UInt16 = try reader.read()
    cost = ScryptCost(
      logarithmOfN: logarithmOfN, blockSize: try reader.read(), parallelism: try reader.read())
    created = try reader.readTimestamp()
    self.bytes = bytes
    guard zeros == 0, method == .passphrase || cost == .none else {
      throw .corrupt(
        Self.structure, expected: "zeros in unused bytes", found: "other bytes")
    }
    guard method == .keyFile || cost.isAcceptable else {
      throw FormatError(
        .unsupported, in: Self.structure,
        "its cost, \(cost), is more than this program pays: N r p is at most "
          + "\(ScryptCost.maximumWork)")
    }
  }

  /// Opens the slot.
  ///
  /// - Returns: the keys and the label; nil if `secret` is wrong.
  /// - Throws: ``FormatError`` with `.corrupt` if the keys open but the label is damaged.
  package func open(
    with secret: SecretBytes
  ) throws(FormatError) -> (keys: RepositoryKeys, label: String)? {
    guard secret.count > 0 else { return nil }
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
    header: FileHeader, method: KeySlotMethod, cost: ScryptCost, created: Timestamp
  ) -> [UInt8] {
    let cost = method == .passphrase ? cost : .none
    var writer = ByteWriter()
    writer.write(raw: header.encoded())
    writer.write(method.rawValue)
    writer.write(cost.logarithmOfN)
    writer.write(UInt16(0))
    writer.write(cost.blockSize)
    writer.write(cost.parallelism)
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

  /// Returns `preceding`, then the sealed `plaintexts`, then the tag. The tag covers `preceding`,
  /// too.
  ///
  /// Each plaintext is copied only to its place in the result, and encrypted there.
  private static func seal(
    _ plaintexts: [SecretBytes], key: SecretBytes, nonce: UInt32, after preceding: [UInt8],
    cipher: AuthenticatedCipher
  ) throws(FormatError) -> [UInt8] {
    let sealedBytes = plaintexts.reduce(AuthenticatedCipher.tagBytes) { $0 + $1.count }
    var bytes = preceding + [UInt8](repeating: 0, count: sealedBytes)
    try bytes.withMutableBytes { bytes throws(FormatError) in
      var position = preceding.count
      for plaintext in plaintexts {
        plaintext.withUnsafeBytes { bytes.store($0, at: position) }
        position += plaintext.count
      }
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
