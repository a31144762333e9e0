/// A file that is an envelope around fields (format, "Envelopes").
package protocol EnvelopedFile: Sendable {
  static var fileKind: RepositoryFileKind { get }
  /// A file with more bytes is none; bounds what a reader loads.
  static var maximumFileBytes: Int { get }
  /// Tags of the fields that there may be.
  static var knownTags: Set<UInt16> { get }

  /// The fields.
  ///
  /// - Throws: ``FormatError`` with `.invalidValue` for what no reader would take.
  func encodedFields() throws(FormatError) -> [UInt8]

  /// Takes the values out of the fields.
  ///
  /// - Throws: ``FormatError``: `.corrupt` where they do not fit, `.unsupported` for what only a later
  ///   program knows.
  init(fields: FieldList) throws(FormatError)
}

extension EnvelopedFile {
  /// What errors call the file.
  static var structure: String { fileKind.name }

  /// The bytes of the file.
  ///
  /// - Throws: ``FormatError`` with `.invalidValue` for what no reader would take, and where the file would
  ///   grow too large.
  package func encoded(
    repository: RepositoryID, keys: RepositoryKeys?
  ) throws(FormatError) -> [UInt8] {
    try Envelope.encode(
      encodedFields(), kind: Self.fileKind, repository: repository, keys: keys,
      limitBytes: Self.maximumFileBytes)
  }

  /// Reads the file.
  ///
  /// - Throws: ``FormatError``, as envelopes do, `.corrupt` for fields that do not fit, and `.unsupported`
  ///   for what only a later program knows.
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
