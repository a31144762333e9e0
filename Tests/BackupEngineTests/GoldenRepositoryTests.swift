import BackupEngine
import ChunkFormat
import ChunkStore
import FileIO
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import VolumeTargets
import Workers

/// The repositories in `Fixtures/golden` were written when format v1 was published. Every later
/// program must read the original content from them.
@Suite("Golden repositories")
struct GoldenRepositoryTests {
  @Test("Every volume of every revision is read back unchanged", arguments: Golden.allCases)
  func volumes(golden: Golden) throws {
    let copy = try GoldenCopy(of: golden)
    let entries = try copy.repository.revisions().entries
    #expect(entries.count == 6)
    for (name, digest) in try Golden.sums() {
      let reference = try RevisionReference(name)
      let entry = try reference.revision(in: entries, now: 0)
      let content = try copy.content(of: try reference.volume(of: entry.revision), in: entry)
      #expect(try FileDigest(of: content).description == digest, "\(name)")
    }
  }

  @Test("A full verification finds no damage", arguments: Golden.allCases)
  func verification(golden: Golden) throws {
    let copy = try GoldenCopy(of: golden)
    let report = try Verification(
      repository: copy.repository, entries: try copy.repository.revisions().entries,
      policy: .full, context: .testingNow()
    ).run()
    #expect(report.damageTexts == [])
    #expect(report.isComplete)
    #expect(report.revisions == 6)
  }

  @Test("The documents and marks of a revision are unchanged", arguments: Golden.allCases)
  func documentsAndMarks(golden: Golden) throws {
    let copy = try GoldenCopy(of: golden)
    let entries = try copy.repository.revisions().entries.filter { $0.revision.job == "db01" }
    for (state, entry) in zip(1...3, entries) {
      #expect(entry.marks.tags == ["state-\(state)"])
      #expect(entry.marks.trust == .verified)
      let document = try #require(entry.revision.attachments.first)
      #expect(document.name == "domain.xml")
      #expect(
        try copy.repository.content(of: document)
          == Array("<domain><name>db01</name><title>state \(state)</title></domain>\n".utf8))
    }
  }

  @Test("A new backup does not store old content again", arguments: Golden.allCases)
  func anotherBackup(golden: Golden) throws {
    let copy = try GoldenCopy(of: golden)
    let entry = try RevisionReference("web01@latest").revision(
      in: try copy.repository.revisions().entries, now: 0)
    let disk = try copy.directory.file(
      "disk", try copy.content(of: entry.revision.volumes[0], in: entry))
    let request = BackupRequest(
      job: "web02",
      volumes: [BackupRequest.Volume(name: "disk", source: try openSource(disk.string))],
      program: "test")
    let report = try Backup(
      repository: copy.repository, request: request, context: .testingNow()
    ).run()
    #expect(report.revision.volumes[0].statistics.newChunks == 0)
    #expect(report.revision.volumes[0].root == entry.revision.volumes[0].root)
  }
}

/// One of the two golden repositories.
enum Golden: String, CaseIterable {
  case plain
  case encrypted

  static let directory = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent().appending("Fixtures/golden")

  /// The hash of every volume, by the name of its export.
  static func sums() throws -> [(name: String, digest: String)] {
    let text = try content(of: "SHA256SUMS")
    let sums = text.split(separator: "\n").map { line in
      (name: String(line.dropFirst(66)), digest: String(line.prefix(64)))
    }
    try #require(sums.count == 9)
    return sums
  }

  static func passphrase() throws -> UnlockSecret {
    let words = try content(of: "passphrase").prefix { $0 != "\n" }
    return .passphrase(Array(words.utf8).withUnsafeBytes { SecretBytes(copying: $0) })
  }

  private static func content(of name: String) throws -> String {
    let bytes = try POSIXFileSystem().readAll(directory.appending(name), limitBytes: 1 << 16)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A copy for one test, because reading adds a session and creates an index.
private final class GoldenCopy {
  let directory: TemporaryDirectory
  let repository: Repository
  let environment = RepositoryEnvironment(storage: LocalObjects.opener())

  init(of golden: Golden) throws {
    directory = try TemporaryDirectory()
    let root = directory.appending("repository")
    try Command.run("cp", "-R", Golden.directory.appending(golden.rawValue).string, root.string)
    repository = try Repository.open(at: root, environment: environment) {
      try Golden.passphrase()
    }
  }

  func content(of volume: RevisionVolume, in entry: RevisionEntry) throws -> [UInt8] {
    let path = directory.appending("restored")
    _ = try Restore(
      repository: repository, entry: entry, volume: volume,
      target: try openTarget(path.string, force: true), options: RestoreOptions(),
      context: .testingNow()
    ).run()
    return try POSIXFileSystem().readAll(path, limitBytes: 1 << 30)
  }
}

extension VerificationReport {
  fileprivate var damageTexts: [String] { damages.map { "\($0.name): \($0.message)" } }
}
