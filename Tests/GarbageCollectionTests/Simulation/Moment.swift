@testable import ChunkStore
import LocalObjects
import SystemPackage
import TestSupport

/// One of the few operations that other processes depend on. Before it, a process rests for a long
/// time or is killed, or the power fails. Most operations are reads, so random faults seldom strike
/// at such an operation.
struct Moment: Sendable {
  private let kind: SimulatedCall.Kind
  /// For a list or a synchronisation, the directory itself. Otherwise, the directory of the file.
  /// The directory of packs includes its subdirectories.
  private let directory: FilePath
  /// The number of such operations until the moment comes. Counted down.
  private var occurrence: Int

  /// Creates the moment before an operation in a directory.
  ///
  /// - Parameter occurrence: the number of the operation; the first one is 1.
  init(before kind: SimulatedCall.Kind, in directory: FilePath, _ occurrence: Int = 1) {
    self.kind = kind
    self.directory = directory
    self.occurrence = occurrence
  }

  init(in layout: RepositoryLayout, using random: inout SeededRandom) {
    let packs = layout.packDirectories
    let kinds: [(SimulatedCall.Kind, [FilePath])] = [
      (
        .list,
        [layout.sessions, layout.revisions, layout.forgotten, layout.condemned, layout.marks]
          + packs
      ),
      (
        .rename,
        [layout.sessions, layout.revisions, layout.forgotten, layout.condemned, layout.marks]
          + packs
      ),
      (.remove, [layout.sessions, layout.forgotten, layout.condemned, layout.marks] + packs),
      (.synchronizeDirectory, [layout.revisions, layout.forgotten, layout.marks] + packs),
      (.openFile, [layout.sessions, layout.revisions, layout.forgotten] + packs),
      (.metadata, packs),
      (.lock, [layout.sessions, layout.marks]),
    ]
    let (kind, directories) = kinds[Int.random(in: kinds.indices, using: &random)]
    self.init(
      before: kind, in: directories[Int.random(in: directories.indices, using: &random)],
      Int.random(in: 1...3, using: &random))
  }

  /// Whether the moment has come, if such an operation is the next one.
  mutating func hasCome(before kind: SimulatedCall.Kind, _ path: FilePath) -> Bool {
    guard kind == self.kind else { return false }
    let isOfDirectory = kind == .list || kind == .synchronizeDirectory
    let place = isOfDirectory ? path : path.removingLastComponent()
    guard place == directory || place.removingLastComponent() == directory else { return false }
    occurrence -= 1
    return occurrence == 0
  }
}
