import CalendarTime
import ChunkFormat
import ChunkStore
import Testing

/// A repository's list of revisions, made up, with ids that a test can choose the beginning of.
struct RevisionHistory {
  private(set) var entries: [RevisionEntry] = []

  /// Adds a revision.
  ///
  /// - Parameters:
  ///   - id: the first digits of its id; zeros follow.
  ///   - created: when, in UTC, such as `2026-11-20T03:00:05`.
  mutating func add(
    _ id: String, job: String, created: String, tags: [String] = [], volumes: [String] = ["disk"]
  ) throws {
    let second = try #require(Self.seconds(created).flatMap(Timestamp.init(secondsSince1970:)))
    try add(
      id, job: job, created: second + .milliseconds(700), tags: tags, volumes: volumes)
  }

  /// The same for a moment.
  mutating func add(
    _ id: String, job: String, created: Timestamp, tags: [String] = [],
    volumes: [String] = ["disk"]
  ) throws {
    let name = id + String(repeating: "0", count: 64 - id.count)
    let id = try #require(RevisionID(name: name))
    let revision = Revision(
      job: job, created: created, finished: created + .seconds(60), parent: nil, tags: [],
      volumes: volumes.map {
        RevisionVolume(
          name: $0, sizeBytes: 1 << 30, root: .hole, source: "/dev/\($0)",
          statistics: VolumeStatistics())
      }, attachments: [], host: "host", program: "varve")
    let marks = RevisionMarks(revision: id, tags: tags, trust: .trusted, verification: nil)
    entries.append(RevisionEntry(id: id, revision: revision, marks: marks))
  }

  private static func seconds(_ text: String) -> Int64? {
    let numbers = text.split { "-T:".contains($0) }.compactMap { Int($0) }
    guard numbers.count == 6 else { return nil }
    return CivilTime(
      year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
      second: numbers[5]
    ).secondsSince1970
  }
}
