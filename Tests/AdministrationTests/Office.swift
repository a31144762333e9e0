import Administration
import BackupEngine
import CalendarTime
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import JSONText
import Overlays
import Remedies
import SystemPackage
import TestSupport
import Workers

/// A repository with overlays beside it, and what operations on it need.
final class Office {
  let place: Workplace
  private(set) var repository: Repository

  init(encrypted: Bool = false) throws {
    place = try Workplace(encrypted: encrypted)
    repository = place.repository
  }

  /// Backs up a disk of one chunk that holds `byte`.
  @discardableResult
  func backUp(_ job: String = "web01", byte: UInt8 = 1, tags: [String] = []) throws -> RevisionID {
    let disk = try place.disk("disk.raw", [UInt8](repeating: byte, count: 64 << 10))
    return try place.backUp(disk, job: job) { $0.tags = tags }.id
  }

  func overlays() throws -> OverlayStore {
    try OverlayStore(
      in: place.directory.path.appending("overlays"), of: repository,
      context: place.context)
  }

  /// Overwrites the file of a revision, so that it cannot be read.
  func spoil(_ id: RevisionID) throws {
    let path = repository.root.appending("revisions").appending("\(id)")
    try POSIXFileSystem().writeDurably(
      Array("damage".utf8), to: path, permissions: [.ownerReadWrite])
    // An open repository remembers the revisions that it has read.
    repository = try Repository.open(at: repository.root, environment: place.environment) {
      Workplace.passphrase
    }
  }
}

func reference(_ text: String) throws -> RevisionReference { try RevisionReference(text) }

extension JSON {
  /// The strings of an array.
  var strings: [String] { elements.compactMap(\.string) }
}

extension RemedyWording {
  /// Each remedy by the name of its case.
  static let names = RemedyWording { "\($0)" }
}
