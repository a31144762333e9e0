@testable import ChunkStore
import LocalObjects
import SystemPackage
import TestSupport

/// One of the few operations that others count on: before it a process rests for long, is killed, or the
/// power fails. Most operations read, so that what strikes by chance seldom strikes just there.
struct Moment: Sendable {
  private let kind: SimulatedCall.Kind
  /// The directory itself, where it is listed or synchronised; that of the file else. One of packs includes
  /// those in it.
  private let directory: FilePath
  /// Before which of such operations; counted down.
  private var occurrence: Int

  /// - Parameter occurrence: before which of such operations, the first being 1.
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

  /// Whether it has come, now that such an operation is about to be done.
  mutating func hasCome(before kind: SimulatedCall.Kind, _ path: FilePath) -> Bool {
    guard kind == self.kind else { return false }
    let isOfDirectory = kind == .list || kind == .synchronizeDirectory
    let place = isOfDirectory ? path : path.removingLastComponent()
    guard place == directory || place.removingLastComponent() == directory else { return false }
    occurrence -= 1
    return occurrence == 0
  }
}
