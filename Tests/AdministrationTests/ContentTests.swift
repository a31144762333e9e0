import Administration
import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Inspection
import JSONText
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import VolumeTargets
import Workers

@Suite("Operations on content, without a process")
struct ContentTests {
  private let office: Office
  private let disk: FilePath

  init() throws {
    office = try Office()
    disk = try Self.writeDisk(in: office)
  }

  /// Of two chunks, which do not compress.
  private static func writeDisk(in office: Office) throws -> FilePath {
    var random = SeededRandom(seed: 1)
    return try office.place.disk("random.raw", random.bytes(100_000))
  }

  private var context: WorkContext { office.place.context }

  private func backUp(tags: [String] = []) throws -> BackupOutcome {
    var request = BackupRequest(
      job: "web01",
      volumes: [BackupRequest.Volume(name: "disk", source: try openSource(disk.string))],
      program: "test")
    request.tags = tags
    return try request.run(on: office.repository, context: context)
  }

  private func verify(
    _ revisions: [RevisionReference] = [], jobs: [String] = [], percent: Double? = nil
  ) throws -> VerificationOutcome {
    try VerificationRequest(revisions: revisions, jobs: jobs, samplePercent: percent)
      .prepare(on: office.repository)
      .run(context: context)
  }

  private func restore(
    _ change: (inout RestoreRequest) -> Void = { _ in }
  ) throws -> (outcome: RestoreOutcome, bytes: [UInt8]) {
    var request = RestoreRequest(revision: try reference("web01"))
    change(&request)
    let path = office.place.directory.path.appending("restored.raw")
    let target = try openTarget(path.string, force: true)
    do {
      let outcome = try request.prepare(on: office.repository).run(to: target, context: context)
      return (outcome, try POSIXFileSystem().readAll(path, limitBytes: 200_000))
    } catch {
      target.abandon()
      throw error
    }
  }

  @Test("a backup has the marks that verification gave it, and each tag once")
  func backup() throws {
    let made = try backUp(tags: ["nightly", "nightly"])
    #expect(made.isClean)
    #expect(made.json(.names)["id"]?.string == "\(made.entry.id)")
    #expect(made.json(.names)["revision"]?["tags"] == .strings(["nightly"]))
    #expect(made.json(.names)["revision"]?["trust"]?.string == "verified")
    #expect(made.json(.names)["verification"]?["isComplete"] == .bool(true))
  }

  @Test("a backup of a shrunken disk is refused, and made where that is accepted")
  func unusual() throws {
    _ = try backUp()
    _ = try office.place.disk("random.raw", [UInt8](repeating: 1, count: 5000))
    let error = #expect(throws: EngineError.self) { try backUp() }
    guard case .unusual(let unusual) = error?.code else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(unusual.changes.first?.text.hasPrefix("volume 'disk'") == true)
  }

  @Test("a restore is read back where that is asked for")
  func restored() throws {
    _ = try backUp()
    let (outcome, bytes) = try restore { $0.verifies = true }
    #expect(try bytes == POSIXFileSystem().readAll(disk, limitBytes: 200_000))
    #expect(outcome.json["isVerified"] == .bool(true) && outcome.json["gaps"] == .array([]))
    #expect(outcome.json["fill"] == .null && outcome.json["warnings"] == .array([]))
    #expect(throws: ReferenceError.self) {
      try RestoreRequest(revision: reference("web01@9")).prepare(on: office.repository)
    }
  }

  @Test("a restore stops at damage, or fills the gap and says so")
  func gaps() throws {
    _ = try backUp()
    try office.place.spoilChunk(0)
    #expect(throws: (any Error).self) { try restore() }
    let (outcome, bytes) = try restore { $0.fill = DamageFill("0xab") }
    #expect(bytes.count == 100_000 && bytes[..<(64 << 10)].allSatisfy { $0 == 0xab })
    #expect(outcome.json["gaps"]?.elements.count == 1 && outcome.fill == DamageFill("0xab"))
    #expect(outcome.json["fill"]?.string == "0xab")
  }

  @Test("damage is a finding of verification and inspection, and no error")
  func damage() throws {
    _ = try backUp()
    #expect(try verify().isClean)
    try office.place.spoilChunk(0)
    let found = try verify()
    #expect(!found.isClean && found.json["isClean"] == .bool(false))
    #expect(found.json["damages"]?.elements.count == 1)
    #expect(found.json["damagedPacks"]?.elements.count == 1)
    let checked = try InspectionRequest(depth: .full, mends: false).run(
      on: office.repository, context: context)
    #expect(checked.json(.names)["isClean"] == .bool(false))
    #expect(checked.json(.names)["quarantined"]?.count == 1)
  }

  @Test("packs are hashed, and the quarantine is reviewed, only where all is read")
  func partOfIt() throws {
    _ = try backUp()
    try office.place.spoilChunk(0)
    #expect(try verify([reference("web01")]).damagedPacks.isEmpty)
    #expect(try verify(percent: 100).damagedPacks.isEmpty)
    #expect(try verify(percent: 100).released.get() == 0)
  }

  @Test("an unreadable revision may be the one that a name means, and not one that an id names")
  func unreadable() throws {
    let id = try office.backUp(byte: 1)
    try office.spoil(try office.backUp(byte: 2))
    #expect(try verify([reference("\(id)")]).isClean)
    #expect(try verify([reference("web01")]).unreadable.count == 1)
    #expect(try verify(jobs: ["web01"], percent: 50).unreadable.count == 1)
  }

  @Test("a repair takes content from another repository, and not from the one to be repaired")
  func repair() throws {
    _ = try backUp()
    let other = try Office()
    try other.place.backUp(try Self.writeDisk(in: other))
    try office.place.spoilChunk(0)
    _ = try verify()
    func repair(from source: Office, dry: Bool = false) throws -> RepairOutcome {
      try RepairRequest(from: source.repository.root.string, isDryRun: dry).run(
        on: office.repository, environment: office.place.environment, context: context)
    }
    let refusal = #expect(throws: Refusal.self) { try repair(from: office) }
    guard case .sameRepository(office.repository.root.string) = refusal else {
      return #expect(Bool(false), "\(String(describing: refusal))")
    }
    #expect(try repair(from: other, dry: true).json(.names)["healedRecords"]?.count == 1)
    #expect(try !verify().isClean)
    let repaired = try repair(from: other)
    #expect(repaired.json(.names)["isComplete"] == .bool(true))
    #expect(repaired.json(.names)["verification"]?["damages"] == .array([]))
    #expect(try verify().isClean)
  }
}
