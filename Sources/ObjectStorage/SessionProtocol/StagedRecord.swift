/// The object `staged/R`: a revision that its session is about to commit, or has committed.
///
/// ```
/// offset size
///      0    4  VSTG
///      4    1  version of the format, 1
///      5       the session, a text; then the revision's own bytes, which become `revisions/R`
/// ```
package struct StagedRecord: Equatable, Sendable {
  package let session: String
  package let document: [UInt8]

  private static let magic: StaticString = "VSTG"

  package init(session: String, document: [UInt8]) {
    self.session = session
    self.document = document
  }

  package init(_ bytes: [UInt8], of revision: String) throws(SessionProtocolError) {
    var decoder = try RecordDecoder(bytes, magic: Self.magic, of: ObjectKey(.staged, revision))
    session = try decoder.name(in: .sessions)
    document = decoder.rest()
  }

  package var bytes: [UInt8] {
    var encoder = RecordEncoder(magic: Self.magic)
    encoder.append(session)
    encoder.append(rest: document)
    return encoder.bytes
  }
}
