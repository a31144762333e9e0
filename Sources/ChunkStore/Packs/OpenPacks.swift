import Synchronization

/// Bounds how many files of packs are open: the oldest are closed first, and opened again when needed. A
/// collection uses thousands of small packs, and most processes may have 1,024 files open.
final class OpenPacks: Sendable {
  /// More than ``PackObjects`` keeps at hand, and leaves room for sockets, sources and targets.
  static let capacity = 384

  private struct Entry {
    weak var pack: Pack?
  }

  private let entries = Mutex<[Entry]>([])

  /// Takes note that `pack` has opened its file.
  func note(_ pack: Pack) {
    let surplus = entries.withLock { entries in
      entries.append(Entry(pack: pack))
      guard entries.count > Self.capacity else { return [Entry]() }
      // Of packs that nobody holds any more, the files are closed.
      entries.removeAll { $0.pack == nil }
      guard entries.count > Self.capacity else { return [] }
      // Half of them go at once, so that the search for such packs is paid rarely.
      let oldest = Array(entries.prefix(Self.capacity / 2))
      entries.removeFirst(oldest.count)
      return oldest
    }
    for entry in surplus { entry.pack?.close() }
  }
}
