package import CalendarTime

/// Copies of records that were found damaged: a file in `quarantine/`, named by the SHA-256 of its
/// bytes, an envelope around fields (format, "Quarantine").
///
/// While a copy is listed here, writers treat it as absent: a writer that needs its content stores
/// the content again.
package struct QuarantineReport: Equatable, EnvelopedFile {
  package static let fileKind = RepositoryFileKind.quarantine
  package static let maximumFileBytes = 4 << 20
  package static var knownTags: Set<UInt16> { Tag.all }
  /// The most copies to list in one file; this many fit, whatever their texts.
  package static let maximumCopies = 2048

  /// When the copies were found damaged.
  package let found: Timestamp
  /// The host on which they were found.
  package let host: String
  /// The operation that found them, in words: "verification".
  package let finder: String
  package let copies: [DamagedCopy]

  package init(found: Timestamp, host: String, finder: String, copies: [DamagedCopy]) {
    self.found = found
    self.host = host
    self.finder = finder
    self.copies = copies
  }

  package func encodedFields() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.found, found)
    fields.field(Tag.host, host)
    fields.field(Tag.finder, finder)
    for copy in copies {
      fields.field(Tag.copy, copy.encoded())
    }
    return fields.bytes
  }

  package init(fields: FieldList) throws(FormatError) {
    found = try fields.time(Tag.found)
    host = try fields.text(Tag.host)
    finder = try fields.text(Tag.finder)
    copies = try fields.all(Tag.copy).map { bytes throws(FormatError) in
      try DamagedCopy(encoded: bytes)
    }
  }

  private enum Tag {
    static let found: UInt16 = 1
    static let host: UInt16 = 2
    static let finder: UInt16 = 3
    static let copy: UInt16 = 4 | FieldList.critical
    static let all: Set<UInt16> = [found, host, finder, copy]
  }
}

/// A copy of a record that does not read back as it was stored.
package struct DamagedCopy: Equatable, Sendable {
  private static let structure = "damaged copy of a record"
  /// The greatest length of ``expected`` and of ``found``, so that many copies fit in a file.
  static let maximumTextBytes = 400

  package let pack: PackID
  package let id: ContentID
  package let type: RecordType
  /// The offset of the record's header in the pack.
  package let offsetBytes: UInt32
  /// Bytes of the record in the pack, its header included.
  package let lengthBytes: UInt32
  /// The expected content, in words.
  package let expected: String
  /// The content that was found, in words.
  package let found: String
  /// The place that needed the content when the damage was found; other places may need it too.
  package var place: ContentPlace?

  /// Creates a damaged copy; cuts texts of more than 400 bytes.
  package init(
    pack: PackID, entry: PackEntry, expected: String, found: String, place: ContentPlace? = nil
  ) {
    self.pack = pack
    id = entry.id
    type = entry.type
    offsetBytes = entry.offsetBytes
    lengthBytes = UInt32(clamping: entry.rangeInPack.count)
    self.expected = Self.cut(expected)
    self.found = Self.cut(found)
    self.place = place
  }

  private static func cut(_ text: String) -> String {
    var text = text
    while text.utf8.count > maximumTextBytes { text.unicodeScalars.removeLast() }
    return text
  }

  func encoded() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.pack, pack)
    fields.field(Tag.id, id)
    fields.field(Tag.type, type.rawValue)
    fields.field(Tag.offset, offsetBytes)
    fields.field(Tag.length, lengthBytes)
    fields.field(Tag.expected, expected)
    fields.field(Tag.found, found)
    if let place { fields.field(Tag.place, place.encoded()) }
    return fields.bytes
  }

  init(encoded bytes: ArraySlice<UInt8>) throws(FormatError) {
    let fields = try FieldList(bytes, structure: Self.structure, known: Tag.all)
    pack = try fields.fileID(try fields.one(Tag.pack))
    id = try fields.id(Tag.id)
    let type: UInt8 = try fields.integer(Tag.type)
    guard let type = RecordType(rawValue: type) else {
      throw FormatError(
        .unsupported, in: Self.structure,
        "type \(type) is not supported; use a newer version of varve")
    }
    self.type = type
    offsetBytes = try fields.integer(Tag.offset)
    lengthBytes = try fields.integer(Tag.length)
    expected = try fields.text(Tag.expected)
    found = try fields.text(Tag.found)
    place = try fields.atMostOne(Tag.place).map { bytes throws(FormatError) in
      try ContentPlace(encoded: bytes)
    }
  }

  private enum Tag {
    static let pack: UInt16 = 1 | FieldList.critical
    static let id: UInt16 = 2 | FieldList.critical
    static let type: UInt16 = 3 | FieldList.critical
    static let offset: UInt16 = 4
    static let length: UInt16 = 5
    static let expected: UInt16 = 6
    static let found: UInt16 = 7
    static let place: UInt16 = 8
    static let all: Set<UInt16> = [pack, id, type, offset, length, expected, found, place]
  }
}

/// A range of bytes in a volume, or in an attachment, of a revision.
package struct ContentPlace: Equatable, Sendable {
  private static let structure = "place of a content"

  package let revision: RevisionID
  package let job: String
  /// Name of the volume or attachment.
  package let volume: String
  package let offsetBytes: UInt64
  package let lengthBytes: UInt64

  package init(
    revision: RevisionID, job: String, volume: String, offsetBytes: UInt64, lengthBytes: UInt64
  ) {
    self.revision = revision
    self.job = job
    self.volume = volume
    self.offsetBytes = offsetBytes
    self.lengthBytes = lengthBytes
  }

  func encoded() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.revision, revision)
    fields.field(Tag.job, job)
    fields.field(Tag.volume, volume)
    fields.field(Tag.offset, offsetBytes)
    fields.field(Tag.length, lengthBytes)
    return fields.bytes
  }

  init(encoded bytes: ArraySlice<UInt8>) throws(FormatError) {
    let fields = try FieldList(bytes, structure: Self.structure, known: Tag.all)
    revision = try fields.fileID(try fields.one(Tag.revision))
    job = try fields.text(Tag.job)
    volume = try fields.text(Tag.volume)
    offsetBytes = try fields.integer(Tag.offset)
    lengthBytes = try fields.integer(Tag.length)
  }

  private enum Tag {
    static let revision: UInt16 = 1
    static let job: UInt16 = 2
    static let volume: UInt16 = 3
    static let offset: UInt16 = 4
    static let length: UInt16 = 5
    static let all: Set<UInt16> = [revision, job, volume, offset, length]
  }
}
