import BackupEngine
import CalendarTime
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import Workers

/// Returns a disk of 12 incompressible chunks.
private func disk(seed: UInt64) -> [UInt8] {
  var random = SeededRandom(seed: seed)
  return random.bytes(12 * 64 << 10)
}

/// Calls a closure when a pack is opened.
private struct WatchedPacks: ForwardingFileSystem {
  let base = POSIXFileSystem()
  let onOpening: @Sendable () -> Void

  func openFile(
    _ path: FilePath, for access: FileAccess
  ) throws(FileError) -> any OpenFile {
    if path.string.contains("/packs/") { onOpening() }
    return try base.openFile(path, for: access)
  }
}

@Suite("Healing by backups")
struct HealingTests {
  @Test("Verification records the damaged copy and its place", arguments: [false, true])
  func verificationQuarantines(encrypted: Bool) throws {
    let place = try Workplace(encrypted: encrypted)
    let report = try place.backUp(try place.disk("disk", disk(seed: 1)))
    let pack = try place.spoilChunk(3)
    let verification = try place.verify()
    #expect(verification.quarantined == 1)
    let copies = try place.repository.quarantine().copies
    #expect(copies.count == 1)
    let copy = try #require(copies.first).copy
    #expect(copy.pack.description == pack.lastComponent?.string)
    #expect(copy.place?.revision == report.id)
    #expect(copy.place?.volume == "disk")
    #expect(copy.place?.offsetBytes == 3 * 64 << 10)
    #expect(copy.found.hasPrefix("record: "))
    #expect(!copy.found.contains(copy.pack.description))
    #expect(try place.verify().quarantined == 0)
  }

  /// Otherwise a backup in between would see a damaged revision, but take its content for stored.
  @Test("The damaged copy is in the quarantine before the marks say that the revision is damaged")
  func quarantinedFirst() throws {
    let place = try Workplace()
    try place.backUp(try place.disk("disk", disk(seed: 1)))
    try place.spoilChunk(3)
    let fileSystem = InterruptedFileSystem(POSIXFileSystem())
    var environment = place.environment
    environment.storage = LocalObjects.opener(on: fileSystem)
    fileSystem.interrupt(.before, .rename, of: "/marks/") {
      let copies = try place.repository.quarantine().copies
      #expect(copies.count == 1)
    }
    let repository = try Repository.open(at: place.repository.root, environment: environment) {
      Workplace.passphrase
    }
    let report = try Verification(
      repository: repository, entries: try repository.revisions().entries, policy: .full,
      context: .testingNow()
    ).run()
    #expect(!report.isClean)
    #expect(fileSystem.problems == [])
  }

  @Test(
    "A later backup of another job with the same content repairs the damage",
    arguments: [false, true])
  func healedByAnotherJob(encrypted: Bool) throws {
    let place = try Workplace(encrypted: encrypted)
    let path = try place.disk("disk", disk(seed: 2))
    try place.backUp(path)
    try place.spoilChunk(5)
    #expect(try !place.verify().isClean)
    let healing = try place.backUp(path, job: "other")
    #expect(healing.revision.volumes[0].statistics.newChunks == 1)
    #expect(try place.verify().isClean)
    #expect(try place.repository.revisions().entries.allSatisfy { $0.marks.trust == .verified })
    // The damaged copy is still there.
    #expect(try place.repository.quarantine().copies.count == 1)
    #expect(try place.backUp(path, job: "third").storedBytes == 0)
  }

  /// Other deltas may use the content as their base, and a base must not be a delta.
  @Test("Content that is stored again is not a delta, even if similar content was there before")
  func healedWithoutABase() throws {
    let place = try Workplace()
    let bytes = disk(seed: 8)
    let path = try place.disk("disk", bytes)
    try place.backUp(path)
    try place.spoilChunk(0)
    #expect(try !place.verify().isClean)
    var similar = bytes
    for chunk in 0..<12 { similar[chunk * 64 << 10] ^= 0xff }
    try place.backUp(try place.disk("similar", similar), job: "other") { $0.usesDeltas = false }
    let healing = try place.backUp(path, job: "other").revision.volumes[0].statistics
    #expect(healing.newChunks == 1)
    #expect(healing.deltaChunks == 0)
  }

  @Test("A damaged node of a map is written again", arguments: [false, true])
  func damagedNode(encrypted: Bool) throws {
    let place = try Workplace(encrypted: encrypted)
    let path = try place.disk("disk", disk(seed: 3))
    try place.backUp(path)
    let pack = try #require(try place.packs("maps").first)
    try spoil(pack, at: 64 + 72 + 40)
    let report = try place.verify()
    #expect(!report.isClean)
    #expect(report.quarantined == 1)
    #expect(try place.repository.quarantine().copies.first?.copy.type == .mapNode)
    #expect(try place.backUp(path, job: "other").storedBytes > 0)
    #expect(try place.verify().isClean)
  }

  @Test("After an older revision is distrusted, one backup rechecks all that it reuses")
  func distrustOfAnOlderRevision() throws {
    let place = try Workplace()
    let path = try place.disk("disk", disk(seed: 4))
    let first = try place.backUp(path)
    try place.backUp(path)
    try place.spoilChunk(7)
    #expect(try place.backUp(path).storedBytes == 0)
    try place.repository.updateMarks(of: first.id) {
      $0.distrust(at: place.context.now(), canBeUndone: true)
    }
    let healing = try place.backUp(path)
    #expect(healing.revision.volumes[0].statistics.newChunks == 1)
    #expect(try place.repository.quarantine().copies.map(\.finder) == ["backup of web01"])
    #expect(try place.backUp(path).storedBytes == 0)
    #expect(try place.verify().isClean)
  }

  @Test("A clock that is behind does not cancel the distrust of an older revision")
  func distrustByAClockBehind() throws {
    let place = try Workplace()
    let path = try place.disk("disk", disk(seed: 8))
    let first = try place.backUp(path)
    try place.backUp(path)
    try place.spoilChunk(3)
    var behind = place.context
    behind.now = { 1_577_836_800_000_000_000 }  // 2020
    let damaged = [try place.repository.revision(first.id)]
    let report = try Verification(
      repository: place.repository, entries: damaged, policy: .full, context: behind
    ).run()
    #expect(!report.isClean)
    let entries = try place.repository.revisions().entries
    let newest = try #require(entries.map(\.revision.finished).max())
    #expect(entries[0].marks.distrustedSince == newest)
    #expect(entries.distrustTime(of: "web01", now: newest + .seconds(1)) == newest + .seconds(1))
    #expect(entries.distrustTime(of: "other", now: 7) == 7)
  }

  @Test(
    "Verification skips revisions that were forgotten after the listing", arguments: [false, true])
  func forgottenMeanwhile(whileReading: Bool) throws {
    let place = try Workplace()
    let first = try place.backUp(try place.disk("disk", disk(seed: 9)))
    let second = try place.backUp(try place.disk("disk", disk(seed: 10)))
    let entries = try place.repository.revisions().entries
    let forget: @Sendable () -> Void = { [repository = place.repository] in
      try? repository.forget([second.id])
    }
    var environment = place.environment
    if whileReading {
      environment.storage = LocalObjects.opener(on: WatchedPacks(onOpening: forget))
    } else {
      forget()
    }
    let repository = try Repository.open(at: place.repository.root, environment: environment) {
      Workplace.passphrase
    }
    let verify = { (entries: [RevisionEntry]) in
      try Verification(
        repository: repository, entries: entries, policy: .full, context: .testingNow()
      ).run()
    }
    let report = try verify(entries)
    #expect(report.forgotten == 1)
    #expect(report.isClean)
    #expect(report.revisions == (whileReading ? 2 : 1))
    #expect(try place.repository.revision(first.id).marks.trust == .verified)
    let error = #expect(throws: StoreError.self) { try verify([entries[1]]) }
    #expect(error?.code == .notFound)
  }

  /// Otherwise damage that nothing can repair would make every backup read everything.
  @Test("One complete recheck is enough, although the old revision stays distrusted")
  func distrustedForGood() throws {
    let place = try Workplace()
    try place.backUp(try place.disk("disk", disk(seed: 5)))
    try place.spoilChunk(0)
    #expect(try !place.verify().isClean)
    let other = try place.disk("disk", disk(seed: 6))
    try place.backUp(other)
    let since = try place.repository.revisions().entries[0].marks.distrustedSince
    #expect(since != nil)
    #expect(try !place.verify().isClean)
    #expect(try place.repository.revisions().entries[0].marks.distrustedSince == since)
  }

  @Test("A verification that cannot read distrusts nothing")
  func permissionIsNoDamage() throws {
    let place = try Workplace()
    let report = try place.backUp(try place.disk("disk", disk(seed: 7)))
    let pack = try #require(try place.packs("data").first)
    // The pack is replaced by a directory. So it is neither damaged nor missing, for any user.
    try POSIXFileSystem().rename(pack, to: place.directory.path.appending("kept"))
    try POSIXFileSystem().createDirectory(pack, permissions: [.ownerReadWriteExecute])
    #expect(throws: (any Error).self) { try place.verify() }
    #expect(try place.repository.revision(report.id).marks.trust == .trusted)
    #expect(try place.repository.quarantine().copies.isEmpty)
  }

  private func spoil(_ path: FilePath, at offset: UInt64) throws {
    let file = try POSIXFileSystem().openFile(path, for: .readingAndWriting)
    defer { file.close() }
    try [UInt8](repeating: 0xaa, count: 16).withUnsafeBytes { try file.write($0, at: offset) }
  }
}
