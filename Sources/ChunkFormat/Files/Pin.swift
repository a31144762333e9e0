package import CalendarTime

/// Keeps a revision for something outside the list of revisions, such as an overlay: a file in
/// `pins/`, an envelope around fields (format, "Pins").
package struct Pin: Equatable, EnvelopedFile {
  package static let fileKind = RepositoryFileKind.pin
  package static let maximumFileBytes = 64 << 10
  package static var knownTags: Set<UInt16> { Tag.all }

  /// The revision that must stay readable.
  package var revision: RevisionID
  /// The job of the revision.
  package var job: String
  package var created: Timestamp
  /// The object that needs the revision, in words: "overlay repair".
  package var owner: String
  /// The absolute path of the owner, a file or directory on ``host``; any bytes but 0.
  package var ownerPath: [UInt8]
  package var host: String
  /// Distinguishes machines of the same name; empty if the machine has no identifier.
  package var machine: String
  /// The absolute path of the repository at the time of pinning; any bytes but 0. A copy of the
  /// repository has another path.
  package var repositoryPath: [UInt8]

  package init(
    revision: RevisionID, job: String, created: Timestamp, owner: String, ownerPath: [UInt8],
    host: String, machine: String, repositoryPath: [UInt8]
  ) {
    self.revision = revision
    self.job = job
    self.created = created
    self.owner = owner
    self.ownerPath = ownerPath
    self.host = host
    self.machine = machine
    self.repositoryPath = repositoryPath
  }

  package func encodedFields() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.revision, revision)
    fields.field(Tag.job, job)
    fields.field(Tag.created, created)
    fields.field(Tag.owner, owner)
    fields.field(Tag.ownerPath, ownerPath)
    fields.field(Tag.host, host)
    fields.field(Tag.machine, machine)
    fields.field(Tag.repositoryPath, repositoryPath)
    return fields.bytes
  }

  package init(fields: FieldList) throws(FormatError) {
    revision = try fields.fileID(try fields.one(Tag.revision))
    job = try fields.text(Tag.job)
    created = try fields.time(Tag.created)
    owner = try fields.text(Tag.owner)
    ownerPath = Array(try fields.one(Tag.ownerPath))
    host = try fields.text(Tag.host)
    machine = try fields.text(Tag.machine)
    repositoryPath = Array(try fields.one(Tag.repositoryPath))
  }

  private enum Tag {
    static let revision: UInt16 = 1 | FieldList.critical
    static let job: UInt16 = 2
    static let created: UInt16 = 3
    static let owner: UInt16 = 4
    static let ownerPath: UInt16 = 5
    static let host: UInt16 = 6
    static let machine: UInt16 = 7
    static let repositoryPath: UInt16 = 8
    static let all: Set<UInt16> = [
      revision, job, created, owner, ownerPath, host, machine, repositoryPath,
    ]
  }
}
