import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import ChunkStore

/// What is known to be damaged is stored again, and stays known until it is mended.
@Suite("The quarantine") struct QuarantineTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let store: TestStore
  private let disk = TestDisk(chunks: 4, seed: 1)
  private let layout = RepositoryLayout(root: "/repository")

  init() throws {
    index = try TemporaryDirectory(inMemory: true)
    store = try TestStore(
      creating: layout.root, encrypted: true,
      environment: TestStore.environment(on: fileSystem, index: index.path))
    try store.backUp(disk, job: "a")
  }

  private var repository: Repository { store.repository }

  private func copy(of chunk: Int) throws -> RecordLocation {
    let id = try store.id(of: disk.chunks[chunk], type: .chunk)
    return try #require(try repository.records.copies(of: id).first)
  }

  @discardableResult
  private func quarantine(_ chunks: Int...) throws -> Int {
    try repository.quarantine(
      chunks.map { DamagedCopy(try copy(of: $0), StoreError(.damaged, "spoilt")) },
      finder: "test", context: .testing())
  }

  private func spoil(_ copy: RecordLocation) throws {
    let path = layout.dataPack(copy.pack.id)
    let file = try fileSystem.openFile(path, for: .readingAndWriting)
    defer { file.close() }
    try file.write([1, 2, 3, 4], at: copy.entry.rangeInPack.lowerBound + 200)
  }

  @Test("A copy is noted once, and says what was expected and found")
  func noting() throws {
    #expect(try repository.quarantine().copies.isEmpty)
    #expect(try quarantine(0, 1) == 2)
    #expect(try quarantine(1, 2) == 1)
    let copies = try repository.quarantine().copies
    #expect(Set(copies.map(\.copy.id)) == Set(try (0...2).map { try copy(of: $0).entry.id }))
    #expect(copies.allSatisfy { $0.finder == "test" && $0.copy.found == "spoilt" })
    #expect(copies.allSatisfy { $0.copy.expected.contains("\($0.copy.id)") })
  }

  @Test("What is noted counts as absent for who stores, and no more once it is stored again")
  func storingAgain() throws {
    try quarantine(2)
    let writing = try store.beginWriting()
    let id = try copy(of: 2).entry.id
    #expect(try !writing.writer.standing(of: id).isStored)
    #expect(try writing.writer.standing(of: copy(of: 1).entry.id).isStored)
    try store.store(disk.chunks[2], type: .chunk, with: writing.writer)
    try writing.writer.flush()
    #expect(try writing.writer.standing(of: id).isStored)
    writing.end()
    #expect(try repository.records.copies(of: id).count == 2)
    let next = try store.beginWriting()
    #expect(try next.writer.standing(of: id).isStored)
    next.end()
  }

  @Test("An entry stays while its copy is damaged, and goes when a good file is in its place")
  func reviewing() throws {
    let copy = try copy(of: 0)
    let path = layout.dataPack(copy.pack.id)
    let good = try fileSystem.readAll(path, limitBytes: 1 << 30)
    try spoil(copy)
    try quarantine(0)
    #expect(try repository.reviewQuarantine(context: .testing()).isEmpty)
    try fileSystem.writeDurably(good, to: path, permissions: [.ownerReadWrite])
    let other = try TestStore(
      opening: layout.root,
      environment: TestStore.environment(on: fileSystem, index: index.appending("other")))
    _ = try other.repository.records.synchronize()
    let released = try other.repository.reviewQuarantine(context: .testing())
    #expect(released.map(\.copy.id) == [copy.entry.id])
    #expect(try other.repository.quarantine().copies.isEmpty)
  }

  @Test("An entry whose pack is gone stays until its content is somewhere")
  func lostPack() throws {
    let copy = try copy(of: 0)
    try quarantine(0)
    try fileSystem.remove(layout.dataPack(copy.pack.id))
    _ = try repository.records.synchronize()
    #expect(try repository.reviewQuarantine(context: .testing()).isEmpty)
    try store.backUp(disk, job: "b")
    #expect(
      try repository.reviewQuarantine(context: .testing()).map(\.copy.id)
        == [copy.entry.id])
  }

  @Test("An entry whose pack is gone does not end by a copy that is damaged, too")
  func onlyDamagedCopiesLeft() throws {
    let gone = try copy(of: 0)
    try quarantine(0)
    try store.backUp(disk, job: "b")
    let copies = try repository.records.copies(of: gone.entry.id)
    let damaged = try #require(copies.first { $0.pack.id != gone.pack.id })
    try spoil(damaged)
    try repository.quarantine(
      [DamagedCopy(damaged, StoreError(.damaged, "spoilt"))], finder: "test",
      context: .testing())
    try fileSystem.remove(layout.dataPack(gone.pack.id))
    _ = try repository.records.synchronize()
    #expect(try repository.reviewQuarantine(context: .testing()).isEmpty)
  }

  @Test("Whoever proves ids takes no content of another id")
  func proving() throws {
    let id = try store.id(of: [1], type: .chunk)
    let writing = try store.beginWriting()
    try writing.writer.append(try store.record([2], id: id, type: .chunk, base: nil))
    try writing.writer.flush()
    writing.end()
    #expect(try RecordReader(store: repository.records).read(id, type: .chunk) == [2])
    let reader = try RecordReader(store: repository.records, provingWith: repository.keys?.idKey)
    let error = #expect(throws: StoreError.self) { try reader.read(id, type: .chunk) }
    #expect(error?.code == .damaged)
  }

  @Test("What lay in packs that were removed is forgotten, the rest is not")
  func packsGone() throws {
    try quarantine(0, 1)
    try repository.quarantine(
      [
        DamagedCopy(
          pack: try PackID(of: [1]), entry: try copy(of: 2).entry, expected: "", found: "")
      ],
      finder: "test", context: .testing())
    let pack = try copy(of: 0).pack.id
    #expect(try repository.releaseQuarantine(ofPacks: [pack]).count == 2)
    #expect(try repository.quarantine().copies.map(\.copy.pack) == [try PackID(of: [1])])
  }

  @Test("A report that cannot be read is named, and hides no other")
  func unreadable() throws {
    try quarantine(0)
    let first = try #require(
      try fileSystem.list(layout.quarantine).first { QuarantineReportID(name: $0.name) != nil }
    ).name
    try quarantine(1)
    let path = layout.quarantine.appending(first)
    let file = try fileSystem.openFile(path, for: .readingAndWriting)
    try file.write([0xff], at: 90)
    let listing = try repository.quarantine()
    #expect(listing.unreadable.map(\.name.description) == [first])
    #expect(listing.copies.map(\.copy.id) == [try copy(of: 1).entry.id])
    try store.beginWriting().end()
  }

  @Test("A directory that cannot be listed is not taken for an empty one")
  func listError() throws {
    fileSystem.setFaults { [layout] in
      $0.kind == .list && $0.path == layout.quarantine ? .ioError : nil
    }
    let error = #expect(throws: StoreError.self) { try repository.quarantine() }
    #expect(error?.code == .fileSystem)
    #expect(throws: StoreError.self) { try store.beginWriting() }
    fileSystem.setFaults(nil)
  }

  @Test("A damaged copy is told of although another one is right")
  func damageBesideARightCopy() throws {
    let bad = try copy(of: 0)
    try spoil(bad)
    try quarantine(0)
    try store.backUp(disk, job: "b")
    let notes = DamageNotes()
    let reader = try RecordReader(
      store: repository.records, provingWith: repository.keys?.idKey)
    reader.onDamage = { notes.note($0, $1) }
    #expect(try reader.read(bad.entry.id, type: .chunk) == disk.chunks[0])
    let noted = notes.take()
    #expect(noted.map(\.pack) == [bad.pack.id])
    #expect(throws: StoreError.self) { try reader.read(bad) }
    #expect(notes.take().map(\.pack) == [bad.pack.id])
    #expect(notes.take().isEmpty)
  }
}
