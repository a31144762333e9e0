@testable import ChunkStore
import FileIO
import LocalObjects
import SystemPackage
import TestSupport

/// A mistake of the known kinds, planted by changing what a process gets to see of the file system.
/// What cannot be planted so is planted in the source by Integration/mutants.
enum PlantedFlaw: String, CaseIterable, Sendable {
  /// A list that fails is taken for an empty one.
  case failedListIsEmpty
  /// New writing sessions do not heed what is condemned.
  case condemnationUnheeded
  /// A collection does not see who writes.
  case writersUnseen
  /// A collection does not see who reads.
  case readersUnseen
  /// A collection looks at revisions before it looks at sessions.
  case revisionsBeforeSessions
  /// A writing session's index lists packs that are gone.
  case staleIndex

  var takesFailedListsForEmpty: Bool { self == .failedListIsEmpty }

  /// What `process` takes for the entries of `directory`.
  func alter(
    _ entries: [DirectoryEntry], of directory: FilePath, for process: SimulatedProcess
  ) throws(FileError) -> [DirectoryEntry] {
    let world = process.world
    // Not the one in the end, which leaves behind what it does not see.
    let collects = process.name.hasPrefix("\(Activity.collection) ")
    switch (self, directory) {
    case (.condemnationUnheeded, world.layout.condemned) where !collects: return []
    case (.writersUnseen, world.layout.sessions) where collects:
      return entries.filter { !world.isOf(.backup, session: $0.name) }
    case (.readersUnseen, world.layout.sessions) where collects:
      return entries.filter { !world.isOf(.reading, session: $0.name) }
    case (.revisionsBeforeSessions, world.layout.sessions) where collects:
      process.revisionsBefore = try world.fileSystem.list(world.layout.revisions)
      // Long enough for others to come to an end.
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
