import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Glibc
import GarbageCollection
import Inspection
import SystemPackage
import TestSupport
import Testing
import Workers

@Suite("Inspection")
struct InspectionTests {
  @Test("An intact repository has no findings", arguments: [false, true])
  func sound(encrypted: Bool) throws {
    let place = try InspectedPlace(encrypted: encrypted)
    for depth in RepositoryInspection.PackDepth.allCases {
      let report = try place.inspect(mends: true, depth: depth)
      #expect(report.isClean)
      #expect(report.findings.isEmpty, "\(report.findings)")
      #expect(report.packs == 4)
      #expect(report.revisions == 3)
      #expect(report.chunks == 17)
      #expect((report.hashedBytes > 0) == (depth == .full))
    }
  }

  @Test("Something with the name of a pack that is not a file is ignored")
  func noPacks() throws {
    let place = try InspectedPlace()
    let directory = try place.dataPack().removingLastComponent()
    let shard = try #require(directory.lastComponent?.string)
    let names = (0..<3).map { shard + String(repeating: "\($0)", count: 62) }
    #expect(mkfifo(directory.appending(names[0]).string, 0o600) == 0)
    #expect(symlink("nowhere", directory.appending(names[1]).string) == 0)
    try place.files.createDirectory(
      directory.appending(names[2]), permissions: .ownerReadWriteExecute)
    // The second inspection finds the same as the first, so nothing is updated again and again.
    for _ in 0..<2 {
      let report = try place.inspect(place.open())
      #expect(report.isClean)
      #expect(report.packs == 4)
      #expect(report.findings.map(\.subject) == [.unknownFile, .unknownFile, .unknownFile])
    }
    #expect(try place.workplace.backUp(place.disk).storedBytes == 0)
  }

  @Test("Something with the name of a revision that is not a file is damage")
  func noRevisions() throws {
    let place = try InspectedPlace()
    let revisions = place.root.appending("revisions")
    let names = ["1", "2"].map { String(repeating: $0, count: 64) }
    #expect(mkfifo(revisions.appending(names[0]).string, 0o600) == 0)
    try place.files.createDirectory(
      revisions.appending(names[1]), permissions: .ownerReadWriteExecute)
    let listing = try place.open().revisions()
    #expect(listing.entries.count == 3)
    #expect(listing.unreadable.map(\.id.description) == names)
    let report = try place.inspect()
    #expect(report.findings.filter(\.isOpenDamage).map(\.path) == names.map { "revisions/\($0)" })
  }

  @Test("A damaged chunk is reported with revision, volume and bytes", arguments: [false, true])
  func damagedChunk(encrypted: Bool) throws {
    let place = try InspectedPlace(encrypted: encrypted)
    let pack = try place.dataPack()
    try place.flip(pack, at: place.contentOffset(ofRecord: 4) + 999)
    let report = try place.inspect()
    #expect(!report.isClean)
    let finding = try #require(report.findings.first { $0.subject == .pack })
    #expect(pack.string.hasSuffix(finding.path))
    #expect(finding.message.contains("11 records are intact, 1 are damaged"))
    let losses = report.losses.losses
    #expect(losses.map(\.offsetBytes) == [4, 4].map { $0 * UInt64(InspectedPlace.chunkBytes) })
    #expect(losses.allSatisfy { $0.lengthBytes == UInt64(InspectedPlace.chunkBytes) })
    #expect(Set(losses.map(\.job)) == ["web01"])
    #expect(Set(losses.map(\.revision)).count == 2)
    // The inspection only reads: nothing has changed.
    #expect(try place.open().quarantine().copies.isEmpty)
    #expect(try place.inspect().losses.count == 2)
  }

  @Test(
    "Repair keeps a damaged pack that is needed, and otherwise moves it aside"
  )
  func salvage() throws {
    let place = try InspectedPlace()
    let pack = try place.dataPack()
    try place.flip(pack, at: place.contentOffset(ofRecord: 4) + 999)
    let first = try place.inspect(mends: true)
    #expect(!first.isClean)
    #expect(try place.open().quarantine().copies.count == 1)
    #expect(try place.files.metadata(of: pack).kind == .file)
    // The intact records are in another pack now.
    #expect(try place.workplace.packs("data").count == 3)
    try place.workplace.backUp(place.disk, job: "healer")
    let second = try place.inspect(mends: true)
    #expect(second.isClean, "\(second)")
    #expect(second.findings.contains { $0.subject == .pack && !$0.isOpenDamage })
    #expect(throws: FileError.self) { try place.files.metadata(of: pack) }
    #expect(try place.open().quarantine().copies.isEmpty)
    #expect(try place.inspect().findings.isEmpty)
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
  }

  @Test(
    "A flipped bit anywhere in a pack is found and costs at most one record",
    arguments: [false, true])
  func everyRegionOfAPack(encrypted: Bool) throws {
    let place = try InspectedPlace(encrypted: encrypted)
    let pack = try place.dataPack()
    let length = try place.files.metadata(of: pack).sizeBytes
    let record = place.contentOffset(ofRecord: 2) - 72
    let offsets: [UInt64] = [
      0, 9, 10, 20, 40, record, record + 5, record + 13, record + 30, record + 60, record + 70,
      record + 72, record + 30_000, length - 41, length - 400, length - 40, length - 30,
      length - 12, length - 1,
    ]
    for offset in offsets {
      try place.flip(pack, at: offset)
      for freshIndex in [false, true] {
        let report = try place.inspect(place.open(freshIndex: freshIndex))
        #expect(!report.isClean, "offset \(offset)")
        let lost = report.losses.losses.reduce(0) { $0 + $1.lengthBytes }
        // Without an index, the records of a pack without a valid header are unknown.
        let most: UInt64 = offset < 64 && freshIndex ? 12 : 1
        #expect(
          lost <= 2 * most * UInt64(InspectedPlace.chunkBytes), "offset \(offset): \(lost) lost")
        #expect(report.losses.losses.allSatisfy { $0.job == "web01" })
      }
      try place.flip(pack, at: offset)
    }
    #expect(try place.inspect().findings.isEmpty)
  }

  @Test("Every record of a pack with a damaged footer or header is saved", arguments: [5, 41])
  func savedFromADamagedFrame(place offset: Int) throws {
    let place = try InspectedPlace()
    let pack = try place.dataPack()
    let length = try place.files.metadata(of: pack).sizeBytes
    try place.flip(pack, at: offset == 5 ? 5 : length - UInt64(offset))
    let report = try place.inspect(place.open(freshIndex: true), mends: true)
    #expect(report.isClean, "\(report)")
    #expect(throws: FileError.self) { try place.files.metadata(of: pack) }
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
    // The repository's own index does not know the new pack yet.
    #expect(try Set(place.inspect().findings.map(\.subject)) == [.index])
    #expect(try place.inspect().findings.isEmpty)
  }

  @Test("A quick look finds a damaged footer, and reads back what is in the pack")
  func quickLookAtADamagedFooter() throws {
    let place = try InspectedPlace()
    let pack = try place.dataPack()
    try place.flip(pack, at: try place.files.metadata(of: pack).sizeBytes - 41)
    let findings = try place.inspect(depth: .quick).findings
    #expect(findings.map(\.subject) == [.pack])
    #expect(findings.first?.path.hasSuffix(try #require(pack.lastComponent).string) == true)
    #expect(findings.first?.message.contains("12 records are intact") == true)
  }

  @Test(
    "A pack that may hold missing content is kept, even if it is not listed there"
  )
  func unlistedLoss() throws {
    let place = try InspectedPlace()
    let pack = try place.dataPack()
    try place.flip(pack, at: try place.files.metadata(of: pack).sizeBytes - 41)
    try place.flip(pack, at: place.contentOffset(ofRecord: 4) - 72)
    let report = try place.inspect(place.open(freshIndex: true), mends: true)
    #expect(report.losses.count == 2)
    #expect(try place.files.exists(pack))
  }

  /// The name of such a pack proves nothing, because it is the hash of the damaged content.
  @Test("A header that was damaged before its pack was hashed is found")
  func headerThatWasHashedDamaged() throws {
    let place = try InspectedPlace()
    let pack = try place.dataPack()
    try place.flip(pack, at: place.contentOffset(ofRecord: 3) - 72 + 30)
    let digest = try FileDigest(of: place.files.readAll(pack, limitBytes: 1 << 30)).description
    let shard = place.root.appending("packs/data").appending(String(digest.prefix(2)))
    try place.files.createDirectories(shard)
    try place.files.rename(pack, to: shard.appending(digest))
    let report = try place.inspect(place.open(freshIndex: true))
    let finding = try #require(report.findings.first { $0.subject == .pack })
    #expect(finding.message.contains("11 records are intact, 1 are damaged"))
    #expect(report.losses.count == 2)
  }

  @Test("Packs with swapped names get their own names back", arguments: [false, true])
  func swappedNames(encrypted: Bool) throws {
    let place = try InspectedPlace(encrypted: encrypted)
    let packs = try place.workplace.packs("data") + place.workplace.packs("maps")
    let before = try packs.map { try place.files.readAll($0, limitBytes: 1 << 30) }
    let aside = place.workplace.directory.appending("aside")
    for (left, right) in [(0, 1), (2, 3)] {
      try place.files.rename(packs[left], to: aside)
      try place.files.rename(packs[right], to: packs[left])
      try place.files.rename(aside, to: packs[right])
    }
    let repository = try place.open(freshIndex: true)
    #expect(try !place.inspect(repository).isClean)
    let report = try place.inspect(repository, mends: true)
    #expect(report.isClean, "\(report)")
    #expect(try packs.map { try place.files.readAll($0, limitBytes: 1 << 30) } == before)
    #expect(try place.verify(place.open(freshIndex: true)).isClean)
  }

  @Test("A pack in a wrong directory is moved back, a foreign pack is moved aside")
  func wrongPlaces() throws {
    let place = try InspectedPlace()
    let stranger = try InspectedPlace()
    let pack = try place.dataPack()
    let data = place.root.appending("packs/data")
    let shards = ["00", "01"].map { data.appending($0) }
    let wrong = shards[pack.lastComponent!.string.hasPrefix("00") ? 1 : 0]
      .appending(pack.lastComponent!.string)
    for shard in shards { try place.files.createDirectories(shard) }
    try place.files.rename(pack, to: wrong)
    let foreign = try stranger.dataPack()
    let name = foreign.lastComponent!.string
    let shard = data.appending(String(name.prefix(2)))
    try place.files.createDirectories(shard)
    try place.files.writeDurably(
      try place.files.readAll(foreign, limitBytes: 1 << 30), to: shard.appending(name),
      permissions: [.ownerReadWrite])
    #expect(try !place.inspect(place.open(freshIndex: true)).losses.isEmpty)
    let report = try place.inspect(mends: true)
    #expect(report.isClean, "\(report)")
    #expect(report.findings.contains { $0.message.contains("belongs to repository") })
    #expect(try place.files.metadata(of: pack).kind == .file)
    let aside = place.root.appending("quarantine/packs/\(name)")
    #expect(try place.files.metadata(of: aside).kind == .file)
    #expect(try place.inspect().findings.isEmpty)
  }

  @Test("A missing pack, map or revision is reported as such")
  func lostFiles() throws {
    let place = try InspectedPlace()
    try place.files.remove(try place.dataPack())
    let report = try place.inspect()
    #expect(!report.isClean)
    let losses = report.losses.losses
    #expect(losses.count == 2)
    #expect(losses.allSatisfy { $0.offsetBytes == 0 })
    #expect(losses.allSatisfy { $0.lengthBytes == UInt64(place.bytes.count) })
    #expect(report.findings.contains { $0.subject == .index })
    let revision = try #require(try place.open().revisions().entries.last)
    try place.flip(place.root.appending("revisions/\(revision.id)"), at: 70)
    let second = try place.inspect(mends: true)
    #expect(second.findings.contains { $0.subject == .revision && $0.isOpenDamage })
    #expect(second.losses.count == 1)
  }

  @Test("Small files with a flipped bit are reported")
  func smallFiles() throws {
    let place = try InspectedPlace(encrypted: true)
    let repository = try place.open()
    let revision = try #require(try repository.revisions().entries.first)
    try repository.updateMarks(of: revision.id) { $0.tags = ["keep"] }
    let key = try #require(try repository.keySlots().first)
    try place.flip(place.root.appending("marks/\(revision.id)"), at: 70)
    try place.flip(place.root.appending("keys/\(key.id)"), at: 100)
    let report = try place.inspect(repository)
    #expect(Set(report.findings.filter(\.isOpenDamage).map(\.subject)) == [.marks, .key])
    #expect(report.losses.isEmpty)
    #expect(report.findings.allSatisfy { !$0.message.contains($0.path) })
  }

  /// A writer would need to know which packs the condemnation names.
  @Test("A damaged condemnation stops no backup after it has been repaired")
  func damagedCondemnation() throws {
    let place = try InspectedPlace()
    let repository = try place.open()
    let name = try #require(try place.dataPack().lastComponent?.string)
    let condemned = try repository.condemn(
      [(id: try #require(PackID(name: name)), kind: .data)], at: 1)
    try place.flip(place.root.appending("condemned/\(condemned.name)"), at: 70)
    #expect(throws: StoreError.self) { try place.workplace.backUp(place.disk) }
    #expect(try !place.inspect().isClean)
    let collecting = try repository.beginCollecting()
    #expect(try !place.inspect(mends: true).isClean)
    collecting.release()
    #expect(try place.inspect(mends: true).isClean)
    #expect(try place.workplace.backUp(place.disk).storedBytes == 0)
  }

  @Test("Leftovers, unknown files and missing directories are reported, and repaired if possible")
  func leftovers() throws {
    let place = try InspectedPlace()
    let old = place.root.appending("packs/data/.tmp-0123456789abcdef")
    try place.files.createFile(old, permissions: [.ownerReadWrite]).close()
    try #require(utimesInThePast(old))
    let session = place.root.appending("sessions/0123456789abcdef0123456789abcdef")
    try place.files.createFile(session, permissions: [.ownerReadWrite]).close()
    let stranger = place.root.appending("packs/notes.txt")
    let known = place.root.appending("notes.txt")
    for path in [stranger, known] {
      try place.files.createFile(path, permissions: [.ownerReadWrite]).close()
    }
    let report = try place.inspect()
    let subjects = Set(report.findings.map(\.subject))
    #expect(subjects.isSuperset(of: [.leftover, .session, .unknownFile]))
    _ = try place.inspect(mends: true)
    #expect(throws: FileError.self) { try place.files.metadata(of: old) }
    #expect(throws: FileError.self) { try place.files.metadata(of: session) }
    #expect(try place.files.metadata(of: known).kind == .file)
    for directory in ["sessions", "keys"] {
      try place.files.removeTree(place.root.appending(directory))
      #expect(try !place.inspect().isClean)
      #expect(try place.inspect(mends: true).isClean)
    }
  }

  @Test("Missing revisions do not count as an empty directory that a copy left out")
  func lostRevisions() throws {
    let place = try InspectedPlace()
    try place.files.removeTree(place.root.appending("revisions"))
    let report = try place.inspect(mends: true)
    #expect(report.findings.contains { $0.subject == .revision && $0.isOpenDamage })
  }

  @Test("Marks without a revision are reported as a loss")
  func lostRevision() throws {
    let place = try InspectedPlace()
    let revision = try #require(try place.open().revisions().entries.first)
    try place.open().updateMarks(of: revision.id) { $0.tags = ["keep"] }
    try place.files.remove(place.root.appending("revisions/\(revision.id)"))
    for _ in 0..<2 {
      let report = try place.inspect(mends: true)
      #expect(report.findings.contains { $0.subject == .marks && $0.isOpenDamage })
    }
  }

  @Test("An attachment with more chunks than it needs is checked like any other")
  func surplusChunks() throws {
    let place = try Workplace(chunkSizeBytes: 128 << 10, inMemory: true)
    let entry = try place.repository.revision(
      try place.backUp(try place.disk("disk", [UInt8](repeating: 7, count: 1 << 20))).id)
    var revision = entry.revision
    // With chunks of 64 KiB, as in another repository, the attachment would need this many.
    let chunk = [UInt8](repeating: 1, count: 32).withUnsafeBytes { ContentID($0) }
    revision.attachments = [
      Attachment(
        name: "notes.txt", sizeBytes: 192 << 10, chunks: Array(repeating: chunk, count: 3))
    ]
    _ = try place.repository.commit(revision)
    let report = try RepositoryInspection(
      repository: place.repository, depth: .quick, mends: false, context: place.context
    ).run()
    #expect(report.losses.losses.map(\.name) == ["notes.txt"])
    #expect(report.losses.losses.first?.lengthBytes == 192 << 10)
  }

  @Test("An unfinished file is kept while a process may be writing it")
  func unfinishedFilesOfWriters() throws {
    let place = try InspectedPlace()
    let old = place.root.appending("packs/data/.tmp-0123456789abcdef")
    try place.files.createFile(old, permissions: [.ownerReadWrite]).close()
    try #require(utimesInThePast(old))
    let writing = try place.workplace.repository.beginWriting(
      "test", pinned: [], context: .testing())
    _ = try place.inspect(mends: true)
    #expect(try place.files.metadata(of: old).kind == .file)
    writing.end()
    _ = try place.inspect(mends: true)
    #expect(throws: FileError.self) { try place.files.metadata(of: old) }
  }

  @Test("A quarantine report that cannot be read is deleted after all packs were checked")
  func damagedReport() throws {
    let place = try InspectedPlace()
    try place.flip(try place.dataPack(), at: place.contentOffset(ofRecord: 1) + 5)
    _ = try place.verify()
    let quarantine = place.root.appending("quarantine")
    let name = try #require(
      try place.files.list(quarantine).first { QuarantineReportID(name: $0.name) != nil }
    ).name
    try place.flip(quarantine.appending(name), at: 80)
    let report = try place.inspect()
    #expect(report.findings.contains { $0.subject == .quarantine && $0.isOpenDamage })
    _ = try place.inspect(mends: true)
    let listing = try place.open().quarantine()
    #expect(listing.unreadable.isEmpty)
    #expect(listing.copies.count == 1)
  }

  @Test("A sparse file of 1 TiB in the place of a pack is not read to its end")
  func sparsePack() throws {
    let place = try InspectedPlace()
    let name = String(repeating: "ab", count: 32)
    let shard = place.root.appending("packs").appending("data").appending("ab")
    try place.files.createDirectories(shard)
    let path = shard.appending(name)
    let pack = try place.files.readAll(try place.dataPack(), limitBytes: 1 << 30)
    for content in [[], pack] {
      try place.files.writeDurably(content, to: path, permissions: [.ownerReadWrite])
      let file = try place.files.openFile(path, for: .readingAndWriting)
      try file.setSize(bytes: 1 << 40)
      file.close()
      let began = ContinuousClock.now
      let report = try place.inspect(try place.open(freshIndex: true))
      #expect(report.findings.contains { $0.message.contains("expected at most") })
      #expect(report.losses.isEmpty)
      #expect(began.duration(to: .now) < .seconds(60))
    }
  }
}
