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
  /// - Throws: ``FormatError``: `.corrupt` for invalid fields, `.unsupported` for fields that only
  ///   a later version knows.
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
  ///   fields that only a later version knows.
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
