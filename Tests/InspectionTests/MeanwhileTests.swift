import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Glibc
import Inspection
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import Workers

/// What others do while a repository is inspected or repaired.
@Suite struct MeanwhileTests {
  /// Somebody acts at a moment of the inspection.
  private let files = InterruptedFileSystem(POSIXFileSystem())

  private func open(_ place: InspectedPlace) throws -> Repository {
    var environment = RepositoryEnvironment(storage: LocalObjects.opener(on: files))
    environment.passphraseCost = .minimal
    return try Repository.open(at: place.root, environment: environment) { Workplace.passphrase }
  }

  /// The newest revision is forgotten right before it would be pinned.
  private func forgetBeforePinning(_ place: InspectedPlace) throws -> RevisionID {
    let newest = try #require(try place.open().revisions().entries.last).id
    let other = try place.open()
    files.interrupt(.before, .createFile, of: "/sessions/.tmp-") { try other.forget([newest]) }
    return newest
  }

  @Test(arguments: [false, true])
  func aRevisionThatIsForgottenIsNotInspected(mends: Bool) throws {
    let place = try InspectedPlace()
    _ = try forgetBeforePinning(place)
    let report = try place.inspect(open(place), mends: mends)
    #expect(files.problems == [])
    #expect(report.isClean)
    #expect(report.revisions == 2)
  }

  @Test(arguments: [false, true])
  func aRevisionThatIsForgottenIsNotRepaired(isDryRun: Bool) throws {
    let place = try InspectedPlace()
    let copy = try place.copy(to: "copy")
    try place.flip(try place.dataPack(), at: place.contentOffset(ofRecord: 2) + 77)
    #expect(try !place.verify().isClean)
    let forgotten = try forgetBeforePinning(place)
    let report = try Repair(
      repository: try open(place),
      from: try Repository.open(
        at: copy, environment: place.workplace.environment, sharing: nil),
      isDryRun: isDryRun, context: place.workplace.context
    ).run()
    #expect(files.problems == [])
    #expect(report.isComplete)
    #expect(report.healedRecords == 1)
    #expect(!report.revisions.contains(forgotten.description))
  }

  /// Garbage collection deletes a pack that the inspection has just opened.
  @Test(arguments: [RepositoryInspection.PackDepth.quick, .full])
  func aPackThatIsDeletedIsNotDamaged(depth: RepositoryInspection.PackDepth) throws {
    let place = try InspectedPlace()
    let extra = try place.workplace.disk("extra", Array(repeating: 7, count: 1 << 20))
    let before = Set(try place.workplace.packs("data"))
    let id = try place.workplace.backUp(extra, job: "extra").id
    let pack = try #require(try Set(place.workplace.packs("data")).subtracting(before).first)
    try place.open().forget([id])
    files.interrupt(.after, .openFile, of: pack.string) { try POSIXFileSystem().remove(pack) }
    let report = try place.inspect(open(place), depth: depth)
    #expect(files.problems == [])
    #expect(report.isClean)
    #expect(!report.findings.contains { $0.subject == .pack }, "\(report.findings)")
  }

  @Test func aDamagedPackThatIsDeletedIsNotMoved() throws {
    let place = try InspectedPlace()
    let pack = try place.dataPack()
    try place.flip(pack, at: place.contentOffset(ofRecord: 4) + 999)
    try place.workplace.repository.forget(
      try place.open().revisions().entries.filter { $0.revision.job == "web01" }.map(\.id))
    files.interrupt(.before, .rename, of: "quarantine/packs/") {
      try POSIXFileSystem().remove(pack)
    }
    let report = try place.inspect(open(place), mends: true)
    #expect(files.problems == [])
    #expect(report.isClean, "\(report.findings)")
  }

  /// A record that garbage collection moves to another pack is not lost.
  @Test func aNewPackCountsToo() throws {
    let place = try InspectedPlace()
    let repository = try place.open()
    let root = try repository.revisions().entries[0].revision.volumes[0].root
    let availability = RecordAvailability(
      records: repository.records, present: [], quarantined: [])
    #expect(try availability.isAvailable(root, type: .mapNode))
  }

  // MARK: - What is no file

  private static let kinds: [FileKind] = [.symbolicLink, .directory, .pipe]

  private func put(_ kind: FileKind, at path: FilePath) throws {
    switch kind {
    case .symbolicLink: #expect(symlink("nowhere", path.string) == 0)
    case .pipe: #expect(mkfifo(path.string, 0o600) == 0)
    default: try POSIXFileSystem().createDirectory(path, permissions: .ownerReadWriteExecute)
    }
  }

  /// Only the revision that the marks would be of is concerned.
  @Test(arguments: kinds)
  func marksThatAreNoFileAreUnreadable(kind: FileKind) throws {
    let place = try InspectedPlace()
    let ids = try place.open().revisions().entries.map(\.id)
    try put(kind, at: place.root.appending("marks/\(ids[0])"))
    let repository = try place.open()
    let entries = try repository.revisions().entries
    #expect(entries.map(\.id) == ids)
    #expect(entries.map { $0.marksDamage == nil } == [false, true, true])
    #expect(try repository.revision(ids[0]).marksDamage != nil)
    try repository.updateMarks(of: ids[1]) { $0.tags = ["kept"] }
    #expect(throws: StoreError.self) {
      try repository.updateMarks(of: ids[0]) { $0.tags = ["kept"] }
    }
    let report = try place.inspect()
    #expect(
      report.findings.filter { $0.subject == .marks && $0.isOpenDamage }.map(\.path)
        == ["marks/\(ids[0])"])
    try place.workplace.backUp(place.disk)
  }

  @Test func everyDirectoryThatIsNoneIsReported() throws {
    let place = try InspectedPlace()
    let names = ["condemned", "forgotten", "pins"]
    for name in names {
      let path = place.root.appending(name)
      if try place.files.exists(path) { try place.files.removeTree(path) }
      try place.files.writeDurably([], to: path, permissions: .ownerReadWrite)
    }
    let report = try place.inspect()
    #expect(!report.isClean)
    let found = report.findings.filter { $0.subject == .directory && $0.isOpenDamage }
    #expect(Set(found.map(\.path)) == Set(names))
    #expect(found.allSatisfy { $0.message.contains("regular file") }, "\(found)")
    // The rest is inspected.
    #expect(report.chunks == 17)
  }

  @Test(arguments: ["sessions", "quarantine"])
  func oneThatIsNeededEndsTheInspectionWithAReport(name: String) throws {
    let place = try InspectedPlace()
    let path = place.root.appending(name)
    if try place.files.exists(path) { try place.files.removeTree(path) }
    try place.files.writeDurably([], to: path, permissions: .ownerReadWrite)
    let report = try place.inspect()
    #expect(!report.isClean)
    #expect(report.findings.first?.path == name)
    #expect(report.findings.allSatisfy { $0.subject == .directory })
  }

  @Test func aReaderNeedsNoListOfSessions() throws {
    let place = try InspectedPlace()
    try place.files.removeTree(place.root.appending("sessions"))
    try place.files.writeDurably(
      [], to: place.root.appending("sessions"), permissions: .ownerReadWrite)
    let repository = try place.open()
    let ids = try repository.revisions().entries.map(\.id)
    let session = try repository.beginReading(
      "test", pinned: ids, context: place.workplace.context)
    session.end()
    let error = #expect(throws: StoreError.self) {
      _ = try repository.beginWriting("test", pinned: [], context: place.workplace.context)
    }
    #expect(error?.message.contains("sessions is a regular file") == true, "\(error as Any)")
  }
}
