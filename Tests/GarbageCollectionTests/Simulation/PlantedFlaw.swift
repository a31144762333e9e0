@testable import ChunkStore
import FileIO
import LocalObjects
import SystemPackage
import TestSupport

/// A known kind of bug, planted by changing a process's view of the file system.
/// Integration/mutants plants all other bugs in the source.
enum PlantedFlaw: String, CaseIterable, Sendable {
  /// A failed list counts as an empty list.
  case failedListIsEmpty
  /// New writing sessions ignore condemned packs.
  case condemnationUnheeded
  /// A collection does not see writing sessions.
  case writersUnseen
  /// A collection does not see reading sessions.
  case readersUnseen
  /// A collection reads revisions before it reads sessions.
  case revisionsBeforeSessions
  /// The index of a writing session lists packs that no longer exist.
  case staleIndex

  var takesFailedListsForEmpty: Bool { self == .failedListIsEmpty }

  /// Returns the entries of `directory` as `process` sees them.
  func alter(
    _ entries: [DirectoryEntry], of directory: FilePath, for process: SimulatedProcess
  ) throws(FileError) -> [DirectoryEntry] {
    let world = process.world
    // The final collection is not affected, because it would leave files behind that it does not
    // see.
    let collects = process.name.hasPrefix("\(Activity.collection) ")
    switch (self, directory) {
    case (.condemnationUnheeded, world.layout.condemned) where !collects: return []
    case (.writersUnseen, world.layout.sessions) where collects:
      return entries.filter { !world.isOf(.backup, session: $0.name) }
    case (.readersUnseen, world.layout.sessions) where collects:
      return entries.filter { !world.isOf(.reading, session: $0.name) }
    case (.revisionsBeforeSessions, world.layout.sessions) where collects:
      process.revisionsBefore = try world.fileSystem.list(world.layout.revisions)
      // This is long enough for other processes to end.
      for _ in 1...40 { try process.pass(.list, directory) }
      return try world.fileSystem.list(directory)
    case (.revisionsBeforeSessions, world.layout.revisions) where collects:
      return process.revisionsBefore ?? entries
    case (.staleIndex, _) where !collects && directory.string.hasPrefix(world.layout.packs.string):
      return entries
        + world.ledger.removedPacks.filter { $0.removingLastComponent() == directory }
        .compactMap { $0.lastComponent.map { DirectoryEntry(name: $0.string, kind: .file) } }
    default: return entries
    }
  }
}

extension SimulatedWorld {
  fileprivate func isOf(_ activity: Activity, session: String) -> Bool {
    ledger.sessions[session]?.hasPrefix(activity.rawValue) ?? false
  }
}
