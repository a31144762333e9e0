import ChunkFormat
@testable import ChunkStore
import FileIO
import GarbageCollection
import LocalObjects
import Remedies
import SystemPackage
import TestSupport
import Testing

/// Garbage collection and pins.
@Suite struct PinnedRevisionTests {
  private let place: Store
  private let revision: RevisionID
  private let pin: PinName

  init() throws {
    place = try Store()
    revision = try place.backUp(chunks: 0..<20)
    try place.backUp(chunks: 30..<90)
    pin = try PinName.random()
    try place.repository.pin(
      place.repository.newPin(
        of: revision, job: "web01", for: "overlay repair", at: "/overlays/repair",
        context: place.context), as: pin)
  }

  private var layout: RepositoryLayout {
    RepositoryLayout(root: place.repository.root)
  }

  /// Forgets the revision as a program does that does not know pins.
  private func forgetLikeAnOlderProgram() throws {
    let files = POSIXFileSystem()
    try files.createDirectories(layout.forgotten)
    try files.rename(layout.revision(revision), to: layout.forgotten(revision))
  }

  @Test("A pinned revision is kept, even if a program without pins has deleted it")
  func keeps() throws {
    let entry = try place.repository.revision(revision)
    try forgetLikeAnOlderProgram()
    for _ in 0..<2 {
      let report = try place.collect()
      #expect(report.deletedPacks == 0)
      #expect(report.removedRevisions == 0)
    }
    #expect(try place.withoutIndex().content(of: entry) == place.bytes(0..<20))
    #expect(try place.repository.forgottenRevision(revision) == entry.revision)
    #expect(try place.repository.releasePin(pin))
    let report = try place.collect()
    #expect(report.deletedPacks > 0)
    #expect(report.removedRevisions == 1)
  }

  @Test("A pin that cannot be read stops the collection")
  func damagedPin() throws {
    try forgetLikeAnOlderProgram()
    try POSIXFileSystem().writeDurably(
      [1, 2, 3], to: layout.pin(pin), permissions: .ownerReadWrite)
    #expect {
      try place.collect()
    } throws: { error in
      Remedy.of(error) == [.restorePin(pin.description)]
    }
    #expect(try place.repository.condemnations().isEmpty)
    #expect(try place.repository.releasePin(pin))
    #expect(try place.collect().deletedPacks > 0)
  }

  @Test("A pin whose revision does not exist is reported as a loss")
  func lostRevision() throws {
    try POSIXFileSystem().remove(layout.revision(revision))
    #expect(try place.repository.lostRevisions(changesNothing: false) == [revision])
    #expect {
      try place.collect()
    } throws: { ($0 as? CollectionError)?.code == .lost }
    #expect(try place.collect { $0.acceptsLosses = true }.deletedPacks > 0)
  }

  @Test("Remains of a pin from a killed process are removed")
  func unfinished() throws {
    let left = layout.pins.appending("\(FilePath.temporaryPrefix)0123456789abcdef")
    try POSIXFileSystem().writeDurably([1], to: left, permissions: .ownerReadWrite)
    #expect(try place.collect().unfinishedFiles == 1)
    #expect(try place.repository.pins().pins.map(\.name) == [pin])
  }
}
