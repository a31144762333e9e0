/// The header and key of one pack. They seal and open its records and its footer.
package struct PackSeal: Sendable {
  package let header: FileHeader
  /// Nil if the pack is not sealed.
  let key: SecretBytes?

  /// The seal of a new pack of `kind`.
  init(
    newPackOf kind: RepositoryFileKind, repository: RepositoryID, keys: RepositoryKeys?
  ) throws(FormatError) {
    let header = try FileHeader(
      kind: kind, sealing: keys == nil ? .none : .dataKey, repository: repository,
      salted: keys != nil)
    self.header = header
    key = try keys.map { keys throws(FormatError) in
      try keys.fileKey(salt: header.salt, kind: kind)
    }
  }

  /// The seal of an existing pack.
  ///
  /// - Throws: ``FormatError``: `.wrongKey` if the pack is sealed and there are no keys; `.corrupt`
  ///   if it is not sealed but the repository is encrypted, since somebody without the keys wrote
  ///   it.
  package init(header: FileHeader, keys: RepositoryKeys?) throws(FormatError) {
    self.header = header
    switch (header.sealing, keys) {
    case (.none, nil):
      key = nil
    case (.none, .some):
      throw .corrupt(header.kind.name, expected: "sealed content", found: "plain content")
    case (.dataKey, nil):
      throw FormatError(.wrongKey, in: header.kind.name, "is encrypted, and no key was given")
    case (.dataKey, .some(let keys)):
      key = try keys.fileKey(salt: header.salt, kind: header.kind)
    }
  }

  /// Checks that the pack can hold the record of `entry`.
  ///
  /// - Throws: ``FormatError`` with `.corrupt` for a type that belongs in the other kind of pack,
  ///   and for impossible lengths.
  func check(_ entry: PackEntry) throws(FormatError) {
    guard entry.type.pack == header.kind else {
      throw .corrupt(
        header.kind.name, expected: "other records", found: "\(entry.type) \(entry.id)")
    }
    try RecordLayout(codec: entry.codec, sealing: header.sealing).check(
      storedBytes: entry.storedBytes, plainBytes: entry.plainBytes, in: header.kind.name)
  }

  /// The data that the seal of a record covers besides its payload: the repository's id, the header
  /// without its own checksum, and the id of the base.
  func additionalData(header bytes: UnsafeRawBufferPointer, base: ContentID?) -> [UInt8] {
    var data = header.repository.bytes
    data.append(contentsOf: bytes.part(0..<RecordHeader.boundBytes))
    base?.withUnsafeBytes { data.append(contentsOf: $0) }
    return data
  }

  private var footerAdditionalData: [UInt8] { header.encoded() }

  func sealFooter(
    _ entries: [UInt8], cipher: AuthenticatedCipher
  ) throws(FormatError) -> [UInt8] {
    guard let key else { return entries }
    var bytes = entries + Array(repeating: 0, count: AuthenticatedCipher.tagBytes)
    try bytes.withMutableBytes { bytes throws(FormatError) in
      try cipher.seal(
        UnsafeMutableRawBufferPointer(rebasing: bytes[..<entries.count]),
        tag: UnsafeMutableRawBufferPointer(rebasing: bytes[entries.count...]), key: key,
        nonce: PackFooter.nonce, binding: footerAdditionalData)
    }
    return bytes
  }

  func openFooter(_ bytes: [UInt8]) throws(FormatError) -> [UInt8] {
    guard let key else { return bytes }
    let end = bytes.count - AuthenticatedCipher.tagBytes
    guard end >= 0 else {
      throw .corrupt(PackFooter.structure, expected: "a tag", found: "\(bytes.count) bytes")
    }
    let cipher = try AuthenticatedCipher()
    var entries = [UInt8](repeating: 0, count: end)
    let authentic = try entries.withMutableBytes { output throws(FormatError) in
      try bytes.withBytes { bytes throws(FormatError) in
        try cipher.open(
          bytes.part(0..<end), tag: bytes.part(end..<bytes.count), key: key,
          nonce: PackFooter.nonce, binding: footerAdditionalData, into: output)
      }
    }
    guard authentic else {
      throw .corrupt(PackFooter.structure, expected: "an authentic seal", found: "a broken one")
    }
    return entries
  }
}
