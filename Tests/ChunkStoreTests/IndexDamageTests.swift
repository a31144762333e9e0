import ChunkFormat
import FileIO
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Single flipped bits, marks of writers that died, and an index that lies.
@Suite struct IndexDamageTests {
  private let directory: TemporaryDirectory
  private let store: TestStore
  private let disk = TestDisk(chunks: 40, seed: 1)
  private let revisions: [RevisionID]

  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    store = try TestStore(
      creating: directory.appending("repository"), encrypted: false,
      environment: TestStore.environment(on: POSIXFileSystem(), index: nil))
    let first = try store.backUp(disk, job: "a")
    // A second copy of some, so that ids have several places.
    let writing = try store.beginWriting()
    try store.repository.records.index.reset()
    for chunk in disk.chunks.prefix(9) {
      try store.store(chunk, type: .chunk, with: writing.writer)
    }
    try writing.writer.flush()
    writing.end()
    revisions = [first, try store.backUp(disk.touching(2, with: 1), job: "a", parent: first)]
  }

  private var index: FilePath { directory.appending("repository").appending("index") }
  private var data: FilePath { index.appending("data.mdb") }

  private func open() throws -> TestStore {
    try TestStore(opening: directory.appending("repository"), environment: store.environment)
  }

  private func identity() throws -> FileIdentity {
    FileIdentity(try POSIXFileSystem().metadata(of: data))
  }

  private func overwrite(_ path: FilePath, _ bytes: [UInt8], at offset: UInt64 = 0) throws {
    let file = try POSIXFileSystem().openFile(path, for: .readingAndWriting)
    defer { file.close() }
    try file.write(bytes, at: offset)
  }

  @Test("Whatever bit of the index is flipped, answers are right")
  func flippedBits() throws {
    var random = SeededRandom(seed: .random(in: 0...UInt64(UInt32.max)))
    let whole = try POSIXFileSystem().readAll(data, limitBytes: 16 << 20)
    for round in 0..<50 {
      // Half of them where most depends on it.
      let page = Int.random(in: 0..<whole.count / 4096, using: &random) * 4096
      let place =
        round % 2 == 0
        ? Int.random(in: 0..<whole.count, using: &random)
        : page + Int.random(in: 0..<160, using: &random)
      let bit = Int.random(in: 0..<8, using: &random)
      var flipped = whole
      flipped[place] ^= 1 << bit
      try overwrite(data, flipped)
      let comment: Comment = "bit \(bit) of byte \(place)"
      let reader = try open()
      for (revision, expected) in zip(revisions, [disk, disk.touching(2, with: 1)]) {
        #expect(try reader.disk(of: revision) == expected, comment)
      }
      let writing = try reader.beginWriting()
      try reader.store(random.bytes(2_000), type: .chunk, with: writing.writer)
      try writing.writer.flush()
      writing.end()
      _ = try reader.repository.records.numbers {}
      try POSIXFileSystem().setSize(of: data, bytes: UInt64(whole.count))
      try overwrite(data, whole)
    }
  }

  @Test("An index that a writer died of is kept if it is sound")
  func soundAfterDeath() throws {
    let before = try identity()
    try overwrite(index.appending("write.lock"), [1])
    _ = try open().backUp(disk.touching(5, with: 3), job: "a", parent: revisions[1])
    #expect(try identity() == before)
    #expect(try POSIXFileSystem().readAll(index.appending("write.lock"), limitBytes: 9) == [0])
  }

  @Test("An index that a writer died of is replaced if anything in it is damaged")
  func damagedAfterDeath() throws {
    let before = try identity()
    var whole = try POSIXFileSystem().readAll(data, limitBytes: 16 << 20)
    // The last byte of a page belongs to an entry, where the page is in use.
    for page in stride(from: 2 * 4096, to: whole.count, by: 4096) { whole[page + 4095] ^= 4 }
    try overwrite(data, whole)
    try overwrite(index.appending("write.lock"), [1])
    let reader = try open()
    _ = try reader.repository.records.synchronize()
    #expect(try identity() != before)
    #expect(try reader.disk(of: revisions[0]) == disk)
  }

  @Test("What a pack does not list itself is not taken as stored")
  func lyingIndex() throws {
    let missing = TestDisk(chunks: 1, seed: 9).chunks[0]
    let id = try store.id(of: missing, type: .chunk)
    let records = store.repository.records
    let present = try #require(try records.index.packs().first)
    let pack = try #require(try records.index.pack(present))
    let known = try #require(
      try records.copies(of: try store.id(of: disk.chunks[0], type: .chunk)).first)
    let lie = PackEntry(
      id: id, type: .chunk, codec: .raw, base: nil, offsetBytes: known.entry.offsetBytes,
      storedBytes: known.entry.storedBytes, plainBytes: known.entry.plainBytes)
    try records.index.write { index throws(StoreError) in
      try index.remove(present)
      try index.add(pack, entries: [lie])
    }
    let writing = try open().beginWriting()
    defer { writing.end() }
    guard case .unreliable = try writing.writer.standing(of: id) else {
      Issue.record("expected a record that is listed and not stored")
      return
    }
  }

  @Test("Nothing is lost before the index was made anew")
  func entriesThatAreMissing() throws {
    let records = store.repository.records
    let packs = try records.index.packs().compactMap { try records.index.pack($0) }
    try records.index.write { index throws(StoreError) in
      for pack in packs {
        try index.remove(pack.id)
        try index.add(pack, entries: [])
      }
    }
    #expect(try open().disk(of: revisions[1]) == disk.touching(2, with: 1))
  }
}

extension POSIXFileSystem {
  fileprivate func setSize(of path: FilePath, bytes: UInt64) throws {
    let file = try openFile(path, for: .readingAndWriting)
    defer { file.close() }
    try file.setSize(bytes: bytes)
  }
}
