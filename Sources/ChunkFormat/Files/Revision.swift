package import CalendarTime

/// The state of all volumes of a job at one moment: a file in `revisions/`, named by the SHA-256 of
/// its bytes, an envelope around fields (format, "Revisions").
///
/// The file is written last and never changes. As long as it exists, all records that it refers to
/// must exist.
package struct Revision: Equatable, EnvelopedFile {
  package static let fileKind = RepositoryFileKind.revision
  /// The largest valid revision; limits what a reader loads.
  package static let maximumFileBytes = 4 << 20
  package static var knownTags: Set<UInt16> { Tag.all }
  private static let unusual: UInt8 = 1

  package var job: String
  /// The volumes had this state at that moment.
  package var created: Timestamp
  /// When the last byte was stored. Not before `created`, unless a clock was set back.
  package var finished: Timestamp
  /// The revision whose maps were compared with the new maps; it may have been deleted since.
  package var parent: RevisionID?
  /// The tags given at the backup; ``RevisionMarks`` holds the current ones.
  package var tags: [String]
  package var volumes: [RevisionVolume]
  package var attachments: [Attachment]
  /// The host that the backup ran on.
  package var host: String
  /// The program that made the backup, with its version.
  package var program: String
  /// Whether the backup was made although a volume was empty or had lost most of its content, or
  /// volumes were added or removed. No rule keeps such a revision in place of an older one.
  package var isUnusual = false

  package init(
    job: String, created: Timestamp, finished: Timestamp, parent: RevisionID?,
    tags: [String], volumes: [RevisionVolume], attachments: [Attachment], host: String,
    program: String
  ) {
    self.job = job
    self.created = created
    self.finished = finished
    self.parent = parent
    self.tags = tags
    self.volumes = volumes
    self.attachments = attachments
    self.host = host
    self.program = program
  }

  /// - Throws: ``FormatError`` with `.invalidValue` if a name breaks the rule of ``Name``, two
  ///   volumes or attachments have the same name, there is no volume, or a size or time is
  ///   impossible.
  package func encodedFields() throws(FormatError) -> [UInt8] {
    try check()
    return fields()
  }

  /// The encoded fields, without a check of the values.
  func fields() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.job, job)
    fields.field(Tag.created, created)
    fields.field(Tag.finished, finished)
    if let parent {
      fields.field(Tag.parent, parent)
    }
    for tag in tags {
      fields.field(Tag.tag, tag)
    }
    for volume in volumes {
      fields.field(Tag.volume, volume.encoded())
    }
    for attachment in attachments {
      fields.field(Tag.attachment, attachment.encoded())
    }
    fields.field(Tag.host, host)
    fields.field(Tag.program, program)
    if isUnusual {
      fields.field(Tag.unusual, Self.unusual)
    }
    return fields.bytes
  }

  package init(fields: FieldList) throws(FormatError) {
    job = try fields.text(Tag.job)
    created = try fields.time(Tag.created)
    finished = try fields.time(Tag.finished)
    parent = try fields.atMostOne(Tag.parent).map { value throws(FormatError) in
      try fields.fileID(value)
    }
    tags = try fields.texts(Tag.tag)
    volumes = try fields.all(Tag.volume).map { bytes throws(FormatError) in
      try RevisionVolume(encoded: bytes)
    }
    attachments = try fields.all(Tag.attachment).map { bytes throws(FormatError) in
      try Attachment(encoded: bytes)
    }
    host = try fields.text(Tag.host)
    program = try fields.text(Tag.program)
    isUnusual = try fields.atMostOne(Tag.unusual) != nil
    do throws(FormatError) { try check() } catch { throw error.asCorruption }
  }

  /// The volume called `name`; for nil, the only volume. Nil if there is no such volume.
  package func volume(named name: String?) -> RevisionVolume? {
    guard let name else { return volumes.count == 1 ? volumes[0] : nil }
    return volumes.first { $0.name == name }
  }

  private func check() throws(FormatError) {
    for name in [job] + tags {
      _ = try Name.check(name, in: Self.structure)
    }
    for volume in volumes {
      try volume.check()
    }
    for attachment in attachments {
      try attachment.check()
    }
    guard created >= .epoch, finished >= .epoch else {
      throw FormatError(.invalidValue, in: Self.structure, "a revision cannot be older than 1970")
    }
    guard !volumes.isEmpty, Set(volumes.map(\.name)).count == volumes.count,
      Set(attachments.map(\.name)).count == attachments.count
    else {
      throw FormatError(
        .invalidValue, in: Self.structure,
        "a revision has one or more volumes, and no two volumes or attachments of one name")
    }
  }

  private enum Tag {
    static let job: UInt16 = 1 | FieldList.critical
    static let created: UInt16 = 2 | FieldList.critical
    static let finished: UInt16 = 3
    static let parent: UInt16 = 4
    static let tag: UInt16 = 5
    static let volume: UInt16 = 6 | FieldList.critical
    static let attachment: UInt16 = 7 | FieldList.critical
    static let host: UInt16 = 8
    static let program: UInt16 = 9
    static let unusual: UInt16 = 10
    static let all: Set<UInt16> = [
      job, created, finished, parent, tag, volume, attachment, host, program, unusual,
    ]
  }
}
