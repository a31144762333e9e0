package import SystemPackage

/// What a simulated file system recorded: everything that changes what a crash may leave.
enum SimulatedOperation: Sendable {
  case createFile(Int, SimulatedTree.Slot)
  case createDirectory(Int, SimulatedTree.Slot)
  case write(Int, offset: Int, bytes: [UInt8])
  case synchronizeData(Int)
  /// What was written before may be lost, and no later synchronisation proves anything about it.
  case failSynchronizeData(Int)
  case rename(Int, from: SimulatedTree.Slot, to: SimulatedTree.Slot)
  case remove(SimulatedTree.Slot)
  case synchronizeDirectory(Int)

  var isRenaming: Bool {
    guard case .rename = self else { return false }
    return true
  }

  /// Whether it changes a name in the directory `number`.
  func changesNames(in number: Int) -> Bool {
    switch self {
    case .createFile(_, let slot), .createDirectory(_, let slot), .remove(let slot):
      slot.directory == number
    case .rename(_, let source, let destination):
      source.directory == number || destination.directory == number
    case .write, .synchronizeData, .failSynchronizeData, .synchronizeDirectory: false
    }
  }

  /// Does to `tree` what the operation did.
  func apply(to tree: inout SimulatedTree) {
    switch self {
    case .createFile(let number, let slot):
      tree.nodes[number] = .file([])
      tree[slot] = number
    case .createDirectory(let number, let slot):
      tree.nodes[number] = .directory([:])
      tree[slot] = number
    case .write(let number, let offset, let bytes):
      tree.write(bytes, at: offset, to: number)
    case .rename(let number, let source, let destination):
      tree[source] = nil
      tree[destination] = number
    case .remove(let slot):
      tree[slot] = nil
    case .synchronizeData, .failSynchronizeData, .synchronizeDirectory:
      break
    }
  }
}

/// One call of a simulated file system, before it is done.
package struct SimulatedCall: Sendable {
  package enum Kind: Sendable, Hashable, CaseIterable {
    case createFile, openFile, createDirectory, list, metadata, rename, remove
    case synchronizeDirectory, read, write, synchronizeData, lock

    /// Whether it changes anything that lasts, or makes it last.
    package var isChange: Bool {
      switch self {
      case .openFile, .list, .metadata, .read, .lock: false
      default: true
      }
    }
  }

  package let kind: Kind
  /// The file concerned; the old name when renaming.
  package let path: FilePath
  /// Changes that were called for before this call, failed ones included.
  package let number: Int
}
