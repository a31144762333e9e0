import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import GarbageCollection
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Counts the calls of a collection for each of many small revisions.
@Suite("Garbage collection of many small revisions")
struct ManySmallRevisionsTests {
  private static let revisions = 12

  @Test(
    "Reads each revision once, each pack a few times; syncs each directory once")
  func callsPerRevision() throws {
    let place = try Store()
    let revisions = try (0..<Self.revisions).map { try place.backUp(chunks: $0..<$0 + 1) }
    let packs = try place.workplace.packs("data") + place.workplace.packs("maps")
    #expect(packs.count == 2 * Self.revisions)

    let counting = CountingFileSystem()
    let report = try place.on(counting).collect()
    #expect(report.deletedPacks == packs.count)
    for id in revisions {
      #expect(counting.count(.opened, place.root.appending("revisions/\(id)")) == 1)
    }
    for pack in packs {
      // To copy needed records, and for the last check before deletion. Its map was read before.
      #expect(counting.count(.opened, pack) <= 3)
      // Once under its own name, and once when it is created.
      #expect(counting.count(.synchronized, pack.parentDirectory) <= 2)
    }
    let reader = try place.withoutIndex()
    for (number, id) in revisions.enumerated() {
      #expect(try reader.content(of: id) == place.bytes(number..<number + 1))
    }
  }

  @Test("Few files are open at once even if many packs are merged")
  func openFiles() throws {
    let place = try Store()
    // This is more packs than may be open at once.
    let chunks = (1...500).map { number in
      [UInt8](repeating: 0, count: Store.chunkBytes - 2) + [
        UInt8(number / 256), UInt8(number % 256),
      ]
    }
    let writing = try place.beginLongBackup()
    let (hasher, compressor) = (try ContentHasher(idKey: nil), try Compressor(method: .standard))
    for chunk in chunks {
      let record = try chunk.withUnsafeBytes { bytes in
        try PreparedRecord(
          standalone: bytes, id: try hasher.id(of: bytes, type: .chunk), type: .chunk,
          compressor: compressor)
      }
      try writing.writer.append(record)
      try writing.writer.flush()
    }
    writing.end()
    // This is as many chunks as one map node has.
    let disks = [chunks[..<250], chunks[250...]].map { $0.flatMap { $0 } }
    let kept = try disks.map { try place.backUp(bytes: $0) }
    let counting = CountingFileSystem()
    let report = try place.on(counting).collect()
    #expect(report.deletedPacks >= chunks.count)
    #expect(counting.mostOpen < 450)
    for (id, disk) in zip(kept, disks) { #expect(try place.content(of: id) == disk) }
  }
}

/// The real file system, with a count of calls for each path.
private final class CountingFileSystem: ForwardingFileSystem {
  enum Call { case opened, synchronized }

  private struct Key: Hashable {
    let call: Call
    let path: FilePath
  }

  private struct State {
    var counts: [Key: Int] = [:]
    var open = 0
    var mostOpen = 0
  }

  let base = POSIXFileSystem()
  private let state = Mutex(State())

  func count(_ call: Call, _ path: FilePath) -> Int {
    state.withLock { $0.counts[Key(call: call, path: path), default: 0] }
  }

  /// The greatest number of files that were open at once.
  var mostOpen: Int { state.withLock { $0.mostOpen } }

  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile {
    note(.opened, path)
    return CountedFile(try base.openFile(path, for: access), in: self)
  }

  func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    note(.synchronized, path)
    try base.synchronizeDirectory(path)
  }

  private func note(_ call: Call, _ path: FilePath) {
    state.withLock { $0.counts[Key(call: call, path: path), default: 0] += 1 }
  }

  fileprivate func change(openBy difference: Int) {
    state.withLock { state in
      state.open += difference
      state.mostOpen = max(state.mostOpen, state.open)
    }
  }
}

private final class CountedFile: ForwardingFile {
  let base: any OpenFile
  private let owner: CountingFileSystem
  private let isOpen = Atomic(true)

  init(_ base: any OpenFile, in owner: CountingFileSystem) {
    (self.base, self.owner) = (base, owner)
    owner.change(openBy: 1)
  }

  deinit { close() }

  func close() {
    base.close()
    if isOpen.exchange(false, ordering: .relaxed) { owner.change(openBy: -1) }
  }
}
