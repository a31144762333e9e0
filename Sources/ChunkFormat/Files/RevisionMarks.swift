package import CalendarTime

/// Whether the content of a revision can be trusted.
package enum Trust: UInt8, Sendable, CustomStringConvertible {
  /// No damage is known.
  case trusted = 0
  /// Found damaged, or marked as suspect: the next backup does not rely on it.
  case distrusted = 1
  /// Read back in full without damage.
  case verified = 2

  package var description: String {
    switch self {
    case .trusted: "trusted"
    case .distrusted: "distrusted"
    case .verified: "verified"
    }
  }
}

/// Properties of a revision that may change: a file in `marks/` with the revision's name, an
/// envelope around fields (format, "Marks").
package struct RevisionMarks: Equatable, EnvelopedFile {
  package static let fileKind = RepositoryFileKind.marks
  package static let maximumFileBytes = 64 << 10
  package static var knownTags: Set<UInt16> { Tag.all }
  /// The value of the protection field; the only one so far.
  private static let protected: UInt8 = 1

  package let revision: RevisionID
  package var tags: [String]
  package var trust: Trust
  /// The newest verification; nil if there was none.
  package var verification: VerificationMark?
  /// Whether the revision is protected: no policy deletes it, and no user by accident.
  package var isProtected = false
  /// When the revision was distrusted; nil if it is not distrusted, or if the time is unknown.
  package private(set) var distrustedSince: Timestamp?
  /// The trust before the revision was marked as suspect; nil if it was not, or if damage was
  /// found.
  package private(set) var trustBeforeDistrust: Trust?
  /// The current job of the revision, if the job was renamed; nil for the job it was made for.
  package private(set) var job: String?
  /// Earlier names of the job, oldest first: references with such a name and an id stay valid.
  package private(set) var formerJobs: [String] = []

  package init(
    revision: RevisionID, tags: [String], trust: Trust, verification: VerificationMark?
  ) {
    self.revision = revision
    self.tags = tags
    self.trust = trust
    self.verification = verification
  }

  /// Marks the revision as suspect: the next backup rechecks all data that it reuses. If the
  /// revision was already suspect, the mark starts again at `moment`: the next backup after
  /// `moment` rechecks, even if a backup has rechecked since the earlier mark.
  ///
  /// - Parameter canBeUndone: whether ``undoDistrust()`` may remove the mark; false if damage was
  ///   found.
  package mutating func distrust(at moment: Timestamp, canBeUndone: Bool) {
    if !canBeUndone {
      trustBeforeDistrust = nil
    } else if trust != .distrusted {
      trustBeforeDistrust = trust
    }
    trust = .distrusted
    distrustedSince = moment
  }

  /// Removes the mark: the revision gets its earlier trust again.
  ///
  /// - Returns: false, and changes nothing, if the revision is not distrusted, damage was found in
  ///   it, or its earlier trust was not recorded.
  package mutating func undoDistrust() -> Bool {
    guard trust == .distrusted, let before = trustBeforeDistrust else { return false }
    trust = before
    distrustedSince = nil
    trustBeforeDistrust = nil
    return true
  }

  /// Marks the revision as read back in full without damage.
  package mutating func promote() {
    trust = .verified
    distrustedSince = nil
    trustBeforeDistrust = nil
  }

  /// Changes the name of the revision's job from `old` to `new`.
  package mutating func rename(job old: String, to new: String) {
    job = new
    formerJobs.removeAll { $0 == old || $0 == new }
    formerJobs.append(old)
  }

  /// - Throws: ``FormatError`` with `.invalidValue` for a tag or job that breaks the rule of
  ///   ``Name``.
  package func encodedFields() throws(FormatError) -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.revision, revision)
    for tag in tags {
      fields.field(Tag.tag, try Name.check(tag, in: Self.structure))
    }
    fields.field(Tag.trust, trust.rawValue)
    if let verification {
      fields.field(Tag.verification, verification.encoded())
    }
    if isProtected {
      fields.field(Tag.protection, Self.protected)
    }
    if let distrustedSince {
      fields.field(Tag.distrustedSince, distrustedSince)
    }
    if let trustBeforeDistrust {
      fields.field(Tag.trustBeforeDistrust, trustBeforeDistrust.rawValue)
    }
    if let job {
      fields.field(Tag.job, try Name.check(job, in: Self.structure))
    }
    for job in formerJobs {
      fields.field(Tag.formerJob, try Name.check(job, in: Self.structure))
    }
    return fields.bytes
  }

  /// Reads the marks file of `revision`.
  ///
  /// - Throws: ``FormatError``: the errors of an envelope, and `.corrupt` for the marks of another
  ///   revision.
  package init(
    encoded bytes: [UInt8], revision: RevisionID, repository: RepositoryID, keys: RepositoryKeys?
  ) throws(FormatError) {
    try self.init(encoded: bytes, repository: repository, keys: keys)
    guard self.revision == revision else {
      throw .corrupt(
        Self.structure, expected: "those of \(revision)", found: "those of another revision")
    }
  }

  package init(fields: FieldList) throws(FormatError) {
    revision = try fields.fileID(try fields.one(Tag.revision))
    tags = try fields.texts(Tag.tag)
    for tag in tags where !Name.isValid(tag) {
      throw .corrupt(Self.structure, expected: "a tag", found: tag.debugDescription)
    }
    trust = try Self.trust(Tag.trust, in: fields)
    verification = try fields.atMostOne(Tag.verification).map { value throws(FormatError) in
      try VerificationMark(encoded: value)
    }
    distrustedSince =
      fields.all(Tag.distrustedSince).isEmpty ? nil : try fields.time(Tag.distrustedSince)
    trustBeforeDistrust =
      fields.all(Tag.trustBeforeDistrust).isEmpty
      ? nil : try Self.trust(Tag.trustBeforeDistrust, in: fields)
    isProtected = try Self.isProtected(fields)
    job = fields.all(Tag.job).isEmpty ? nil : try fields.text(Tag.job)
    formerJobs = try fields.texts(Tag.formerJob)
    for job in formerJobs + (job.map { [$0] } ?? []) where !Name.isValid(job) {
      throw .corrupt(Self.structure, expected: "a job", found: job.debugDescription)
    }
  }

  private static func trust(_ tag: UInt16, in fields: FieldList) throws(FormatError) -> Trust {
    let value: UInt8 = try fields.integer(tag)
    guard let trust = Trust(rawValue: value) else {
      throw FormatError(
        .unsupported, in: structure,
        "trust \(value) is not supported; use a newer version of varve")
    }
    return trust
  }

  /// The field is critical: an older version refuses the marks. If it ignored the field, it would
  /// delete the revision.
  private static func isProtected(_ fields: FieldList) throws(FormatError) -> Bool {
    guard !fields.all(Tag.protection).isEmpty else { return false }
    let protection: UInt8 = try fields.integer(Tag.protection)
    guard protection == protected else {
      throw FormatError(
        .unsupported, in: structure,
        "protection \(protection) is not supported; use a newer version of varve")
    }
    return true
  }

  private enum Tag {
    static let revision: UInt16 = 1 | FieldList.critical
    static let tag: UInt16 = 2
    static let trust: UInt16 = 3 | FieldList.critical
    static let verification: UInt16 = 4
    static let protection: UInt16 = 5 | FieldList.critical
    static let distrustedSince: UInt16 = 6
    static let trustBeforeDistrust: UInt16 = 7
    /// Critical: an older version refuses the marks. If it ignored the field, it would apply
    /// another job's policy.
    static let job: UInt16 = 8 | FieldList.critical
    static let formerJob: UInt16 = 9
    static let all: Set<UInt16> = [
      revision, tag, trust, verification, protection, distrustedSince, trustBeforeDistrust,
      job, formerJob,
    ]
  }
}

/// The result of a verification.
package struct VerificationMark: Equatable, Sendable {
  package let time: Timestamp
  /// Chunks that were intact.
  package let checkedChunks: UInt64
  package let totalChunks: UInt64
  /// Chunks, or parts of the map, that were damaged.
  package let damagedChunks: UInt64

  package init(
    time: Timestamp, checkedChunks: UInt64, totalChunks: UInt64, damagedChunks: UInt64 = 0
  ) {
    self.time = time
    self.checkedChunks = checkedChunks
    self.totalChunks = totalChunks
    self.damagedChunks = damagedChunks
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(time)
    writer.write(checkedChunks)
    writer.write(totalChunks)
    // Omitted if no chunk is damaged: the bytes are then the same as those of earlier versions.
    if damagedChunks > 0 { writer.write(damagedChunks) }
    return writer.bytes
  }

  /// Later versions may append values.
  init(encoded bytes: ArraySlice<UInt8>) throws(FormatError) {
    var reader = ByteReader(bytes, structure: "verification of a revision")
    time = try reader.readTimestamp()
    checkedChunks = try reader.read()
    totalChunks = try reader.read()
    damagedChunks = reader.remainingBytes >= MemoryLayout<UInt64>.size ? try reader.read() : 0
    guard checkedChunks <= totalChunks else {
      throw .corrupt(
        "verification of a revision", expected: "a part of all chunks",
        found: "\(checkedChunks) of \(totalChunks)")
    }
  }
}
