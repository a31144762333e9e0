/// A small file that is read whole: header, body, checksum (format, "Envelopes").
///
/// ```
/// offset size
///      0   64  file header
///     64    n  body; sealed: AES-256-GCM of it, nonce 0, bound to the header
///   64+n   16  sealed: the tag; else XXH3-128 of all before it
/// ```
enum Envelope {
  private static let trailerBytes = 16

  /// The bytes of a file of `kind` with `body`. The body is sealed if the repository has keys.
  ///
  /// - Throws: ``FormatError`` with `.invalidValue` if the file would have more than `limitBytes`:
  ///   no reader would load it.
  static func encode(
    _ body: [UInt8], kind: RepositoryFileKind, repository: RepositoryID, keys: RepositoryKeys?,
    limitBytes: Int
  ) throws(FormatError) -> [UInt8] {
    let lengthBytes = FileHeader.lengthBytes + body.count + trailerBytes
    guard lengthBytes <= limitBytes else {
      throw FormatError(
        .invalidValue, in: kind.name,
        "would have \(lengthBytes) bytes; at most \(limitBytes) are possible")
    }
    let header = try FileHeader(
      kind: kind, sealing: keys == nil ? .none : .dataKey, repository: repository,
      salted: keys != nil)
    let headerBytes = header.encoded()
    var bytes = headerBytes + body
    guard let keys else { return bytes + Checksum(of: bytes).encoded }

    bytes.append(contentsOf: repeatElement(0, count: trailerBytes))
    let key = try keys.fileKey(salt: header.salt, kind: kind)
    let cipher = try AuthenticatedCipher()
    try bytes.withMutableBytes { bytes throws(FormatError) in
      let end = bytes.count - trailerBytes
      try cipher.seal(
        UnsafeMutableRawBufferPointer(rebasing: bytes[FileHeader.lengthBytes..<end]),
        tag: UnsafeMutableRawBufferPointer(rebasing: bytes[end...]), key: key, nonce: 0,
        binding: headerBytes)
    }
    return bytes
  }

  /// The body of a file of `kind`.
  ///
  /// - Throws: ``FormatError``: `.corrupt` if a bit is wrong, `.wrongKey` if the file is sealed and
  ///   no keys are given, and the errors of the header's decoder.
  static func decode(
    _ bytes: [UInt8], kind: RepositoryFileKind, repository: RepositoryID, keys: RepositoryKeys?,
    limitBytes: Int
  ) throws(FormatError) -> [UInt8] {
    let header = try FileHeader(encoded: bytes, expecting: [kind], of: repository)
    let end = bytes.count - trailerBytes
    guard end >= FileHeader.lengthBytes, bytes.count <= limitBytes else {
      throw .corrupt(
        kind.name, expected: "\(FileHeader.lengthBytes + trailerBytes) to \(limitBytes) bytes",
        found: "\(bytes.count)")
    }
    switch (header.sealing, keys) {
    case (.none, nil):
      return try plainBody(bytes, end: end, kind: kind)
    case (.none, .some):
      throw .corrupt(kind.name, expected: "sealed content", found: "plain content")
    case (.dataKey, nil):
      throw FormatError(.wrongKey, in: kind.name, "is encrypted, and no key was given")
    case (.dataKey, .some(let keys)):
      return try sealedBody(bytes, end: end, header: header, keys: keys)
    }
  }

  private static func plainBody(
    _ bytes: [UInt8], end: Int, kind: RepositoryFileKind
  ) throws(FormatError) -> [UInt8] {
    let matches = bytes.withUnsafeBytes {
      Checksum(of: $0.part(0..<end)) == Checksum($0, at: end)
    }
    guard matches else {
      throw .wrongChecksum(kind.name)
    }
    return Array(bytes[FileHeader.lengthBytes..<end])
  }

  private static func sealedBody(
    _ bytes: [UInt8], end: Int, header: FileHeader, keys: RepositoryKeys
  ) throws(FormatError) -> [UInt8] {
    let key = try keys.fileKey(salt: header.salt, kind: header.kind)
    let cipher = try AuthenticatedCipher()
    var body = [UInt8](repeating: 0, count: end - FileHeader.lengthBytes)
    let authentic = try body.withMutableBytes { output throws(FormatError) in
      try bytes.withBytes { bytes throws(FormatError) in
        try cipher.open(
          bytes.part(FileHeader.lengthBytes..<end), tag: bytes.part(end..<bytes.count), key: key,
          nonce: 0, binding: Array(bytes.part(0..<FileHeader.lengthBytes)), into: output)
      }
    }
    guard authentic else {
      throw .corrupt(header.kind.name, expected: "an authentic seal", found: "a broken one")
    }
    return body
  }
}

/// A file that is an envelope around fields (format, "Envelopes").
package protocol EnvelopedFile: Sendable {
  static var fileKind: RepositoryFileKind { get }
  /// The largest valid file; limits what a reader loads.
  static var maximumFileBytes: Int { get }
  /// The tags that this version knows.
  static var knownTags: Set<UInt16> { get }

  /// The fields.
  ///
  /// - Throws: ``FormatError`` with `.invalidValue` for values that no reader would accept.
  func encodedFields() throws(FormatError) -> [UInt8]

  /// Reads the values from the fields.
  ///
  /// - Throws: ``FormatError``: `.corrupt` for invalid fields, `.unsupported` for fields and values
  ///   that only a later version knows.
  init(fields: FieldList) throws(FormatError)
}

extension EnvelopedFile {
  /// The name of this kind of file in errors.
  static var structure: String { fileKind.name }

  /// The bytes of the file.
  ///
  /// - Throws: ``FormatError`` with `.invalidValue` for values that no reader would accept, and for
  ///   a file that would be too large.
  package func encoded(
    repository: RepositoryID, keys: RepositoryKeys?
  ) throws(FormatError) -> [UInt8] {
    try Envelope.encode(
      encodedFields(), kind: Self.fileKind, repository: repository, keys: keys,
      limitBytes: Self.maximumFileBytes)
  }

  /// Reads the file.
  ///
  /// - Throws: ``FormatError``, as envelopes do; `.corrupt` for invalid fields; `.unsupported` for
  ///   fields and values that only a later version knows.
  package init(
    encoded bytes: [UInt8], repository: RepositoryID, keys: RepositoryKeys?
  ) throws(FormatError) {
    let body = try Envelope.decode(
      bytes, kind: Self.fileKind, repository: repository, keys: keys,
      limitBytes: Self.maximumFileBytes)
    try self.init(
      fields: FieldList(body[...], structure: Self.structure, known: Self.knownTags))
  }
}
