import CalendarTime
import ChunkFormat
import Testing

@testable import ChunkStore

/// Invented revisions of a job, oldest first, as a repository lists them.
struct JobHistory {
  private(set) var entries: [RevisionEntry] = []
  private let zone: TimeZone
  private var count: UInt64 = 0

  /// - Parameter zone: the time zone of the times of revisions.
  init(in zone: TimeZone = .fixed(offsetSeconds: 0)) { self.zone = zone }

  /// Creates one revision for each time, such as `2026-11-20 01:30`.
  init(_ times: [String], in zone: TimeZone = .fixed(offsetSeconds: 0)) throws {
    self.init(in: zone)
    for time in times { try add(time) }
  }

  @discardableResult
  mutating func add(
    _ time: String, tags: [String] = [], trust: Trust = .trusted, isProtected: Bool = false,
    isUnusual: Bool = false, parent: RevisionID? = nil
  ) throws -> RevisionID {
    try add(
      at: Moment.of(time, in: zone), tags: tags, trust: trust, isProtected: isProtected,
      isUnusual: isUnusual, parent: parent)
  }

  @discardableResult
  mutating func add(
    at created: Timestamp, tags: [String] = [], trust: Trust = .trusted,
    isProtected: Bool = false, isUnusual: Bool = false, parent: RevisionID? = nil
  ) throws -> RevisionID {
    let id = try nextID()
    var marks = RevisionMarks(revision: id, tags: tags, trust: trust, verification: nil)
    marks.isProtected = isProtected
    var revision = Self.revision(created: created, parent: parent)
    revision.isUnusual = isUnusual
    insert(RevisionEntry(id: id, revision: revision, marks: marks))
    return id
  }

  /// Adds a revision whose marks cannot be read.
  @discardableResult
  mutating func addDamaged(_ time: String) throws -> RevisionID {
    let id = try nextID()
    let created = try Moment.of(time, in: zone)
    insert(
      RevisionEntry(
        id: id, revision: Self.revision(created: created, parent: nil),
        marksDamage: StoreError(.damaged, "marks")))
    return id
  }

  mutating func remove(_ ids: [RevisionID]) { entries.removeAll { ids.contains($0.id) } }

  private mutating func nextID() throws -> RevisionID {
    count += 1
    let digits = String(count, radix: 16)
    return try #require(RevisionID(name: String(repeating: "0", count: 64 - digits.count) + digits))
  }

  private mutating func insert(_ entry: RevisionEntry) {
    let place = entries.firstIndex { $0.revision.created > entry.revision.created }
    entries.insert(entry, at: place ?? entries.endIndex)
  }

  private static func revision(created: Timestamp, parent: RevisionID?) -> Revision {
    Revision(
      job: "web01", created: created, finished: created, parent: parent, tags: [],
      volumes: [
        RevisionVolume(
          name: "disk", sizeBytes: 1, root: .hole, source: "test", statistics: VolumeStatistics())
      ], attachments: [], host: "host", program: "varve")
  }
}

/// Moments in the notation of the tests.
enum Moment {
  /// `2026-11-20 01:30` or `2026-11-20 01:30:59` on the clock of `zone`.
  static func of(_ text: String, in zone: TimeZone) throws -> Timestamp {
    let numbers = text.split { "- :".contains($0) }.compactMap { Int($0) }
    try #require(5...6 ~= numbers.count, "\(text)")
    let time = CivilTime(
      year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
      second: numbers.count > 5 ? numbers[5] : 0)
    return try #require(zone.moment(of: time))
  }

  static func utc(_ text: String) throws -> Timestamp {
    try of(text, in: .utc)
  }
}

extension TimeZone {
  static func zone(_ name: String) throws -> TimeZone { try #require(TimeZone.named(name)) }
}
