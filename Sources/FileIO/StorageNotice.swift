import Synchronization
package import SystemPackage

/// A weakness of the storage that the user should know about. The work continues.
package enum StorageNotice: Sendable, Hashable {
  /// The file system cannot make names durable.
  case directoriesNotSynchronized(FilePath, Errno)
  /// This process could lock a file twice, although the locks should exclude each other.
  case locksWithoutEffect(FilePath)

  private static let state = Mutex(State())

  private struct State {
    var handler: (@Sendable (StorageNotice) -> Void)?
    var given: Set<Discriminator> = []
  }

  /// Each kind of notice is given once per process, whatever the path.
  private enum Discriminator {
    case synchronization
    case locks
  }

  private var discriminator: Discriminator {
    switch self {
    case .directoriesNotSynchronized: .synchronization
    case .locksWithoutEffect: .locks
    }
  }

  /// Sends the notices of this process to `handler`.
  package static func handle(_ handler: @escaping @Sendable (StorageNotice) -> Void) {
    state.withLock { $0.handler = handler }
  }

  /// Gives the notice, unless a notice of its kind was given before.
  package func give() {
    let handler = Self.state.withLock { state in
      state.given.insert(discriminator).inserted ? state.handler : nil
    }
    handler?(self)
  }
}

extension StorageNotice: CustomStringConvertible {
  package var description: String {
    switch self {
    case .directoriesNotSynchronized(let path, let error):
      "the file system of \(path) cannot flush directories to disk (\(error.explanation)): after a power "
        + "failure, recently written files may be missing"
    case .locksWithoutEffect(let path):
      "file locks do not work on the file system of \(path): varve cannot tell which files are in use"
    }
  }
}
