import TestSupport

@testable import ChunkFormat

/// Values that tests encode. They are constant, or random with a known seed.
enum Sample {
  static let repository = RepositoryID(bytes: Array(0..<16))
  static let otherRepository = RepositoryID(bytes: Array(1..<17))

  static let keys = RepositoryKeys(idKey: secret(0x11), dataKey: secret(0x22))
  static let otherKeys = RepositoryKeys(idKey: secret(0x11), dataKey: secret(0x33))

  static func secret(_ byte: UInt8, count: Int = 32) -> SecretBytes {
    secret(Array(repeating: byte, count: count))
  }

  static func secret(_ bytes: [UInt8]) -> SecretBytes {
    bytes.withUnsafeBytes { SecretBytes(copying: $0) }
  }

  static func secret(_ text: String) -> SecretBytes { secret(Array(text.utf8)) }

  static func id(_ byte: UInt8) -> ContentID {
    Array(repeating: byte, count: 32).withUnsafeBytes { ContentID($0) }
  }

  static func fileID<ID: FileID>(_ byte: UInt8) -> ID {
    Array(repeating: byte, count: 32).withUnsafeBytes { ID(stored: $0) }
  }

  static var volume: RevisionVolume {
    var statistics = VolumeStatistics()
    statistics.readBytes = 1
    statistics.dataBytes = 2
    statistics.newChunks = 3
    statistics.deltaChunks = 4
    statistics.newBytes = 5
    statistics.storedBytes = 6
    statistics.knownChunks = 7
    return RevisionVolume(
      name: "vda", sizeBytes: 0x0102_0304_0506, root: id(0xaa), source: "/dev/vg0/db",
      statistics: statistics)
  }

  static var attachment: Attachment {
    Attachment(name: "domain.xml", sizeBytes: 70_000, chunks: [id(0xbb)])
  }

  static var revision: Revision {
    Revision(
      job: "db01", created: 1_000_000_000, finished: 2_000_000_000, parent: fileID(0xcc),
      tags: ["nightly"], volumes: [volume], attachments: [attachment], host: "host",
      program: "varve 1")
  }

  static var marks: RevisionMarks {
    RevisionMarks(
      revision: fileID(0xdd), tags: ["keep", "nightly"], trust: .verified,
      verification: VerificationMark(time: 3_000_000_000, checkedChunks: 8, totalChunks: 9))
  }

  static var session: SessionRecord {
    SessionRecord(
      kind: .writing, started: 4_000_000_000, host: "host", process: 4321,
      purpose: "backup of db01", pinned: [fileID(0xee)])
  }

  static var policies: RetentionPolicies {
    RetentionPolicies(
      standard: RetentionPolicy(rules: [
        .newest(count: 3), .calendar(.hour, count: 24), .calendar(.day, count: 7),
        .calendar(.week, count: 5), .calendar(.month, count: 12), .calendar(.year, count: 10),
      ]),
      jobs: [
        "db01": RetentionPolicy(
          rules: [
            .within(span(months: 18, days: 30, hours: 12)), .tagged("golden"),
            .schedule(tag: "daily", interval: span(days: 1), count: 9),
          ], timeZone: "Europe/Berlin")
      ])
  }

  static func span(months: UInt32 = 0, days: UInt32 = 0, hours: UInt32 = 0) -> CalendarSpan {
    guard let span = CalendarSpan(months: months, days: days, hours: hours) else {
      preconditionFailure("no span")
    }
    return span
  }

  static var entry: PackEntry {
    PackEntry(
      id: id(0xab), type: .chunk, codec: .raw, base: nil, offsetBytes: 64, storedBytes: 100,
      plainBytes: 100)
  }

  static var quarantine: QuarantineReport {
    QuarantineReport(
      found: 6_000_000_000, host: "host", finder: "verification",
      copies: [
        DamagedCopy(
          pack: fileID(0xac), entry: entry, expected: "a chunk", found: "another",
          place: ContentPlace(
            revision: fileID(0xad), job: "db01", volume: "vda", offsetBytes: 131_072,
            lengthBytes: 100))
      ])
  }

  static var condemnation: Condemnation {
    Condemnation(
      condemned: 7_000_000_000, dataPacks: [fileID(0xa1), fileID(0xa2)], mapPacks: [fileID(0xa3)],
      awaited: [SessionID(name: String(repeating: "5f", count: 16))])
  }

  static var pin: Pin {
    Pin(
      revision: fileID(0xdd), job: "web01", created: 8_000_000_000, owner: "overlay repair",
      // Paths are bytes: this one is not valid UTF-8.
      ownerPath: Array("/srv/o/repair".utf8) + [0xe9], host: "backup1",
      machine: "0123456789abcdef", repositoryPath: Array("/srv/varve".utf8))
  }

  static func configuration(isEncrypted: Bool) throws -> RepositoryConfiguration {
    try RepositoryConfiguration(
      id: repository, chunkSizeBytes: 128 << 10, isEncrypted: isEncrypted,
      compression: .zstd(level: 3), created: 5_000_000_000)
  }
}

extension String {
  /// The bytes that hexadecimal digits spell; white space is ignored.
  var hexadecimal: [UInt8] { Hexadecimal.decode(filter { !$0.isWhitespace }) ?? [] }
}

extension Collection<UInt8> {
  var hexadecimal: String { Array(self).withUnsafeBytes { Hexadecimal.encode($0) } }
}
