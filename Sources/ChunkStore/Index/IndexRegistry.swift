import Synchronization

/// The environments that are open in this process, by data file: LMDB's locks break when a process
/// opens one twice, by whatever name, or closes one of the two.
enum IndexRegistry {
  private struct Entry {
    let environment: IndexEnvironment
    var leases: Int
  }

  private static let open = Mutex<[FileIdentity: Entry]>([:])

  /// The environment in `directory`, opened where it is not open yet.
  ///
  /// - Throws: ``FileError`` or ``LMDBError``.
  static func lease(of directory: IndexDirectory) throws -> IndexLease {
    try open.withLock { open in
      try directory.whileAtHome { identity in
        if let environment = open[identity]?.environment {
          open[identity]?.leases += 1
          return IndexLease(environment: environment, identity: identity)
        }
        let environment = try IndexEnvironment(directory: directory.path)
        open[identity] = Entry(environment: environment, leases: 1)
        return IndexLease(environment: environment, identity: identity)
      }
    }
  }

  /// Closes the environment with its last lease, before anybody can open it again.
  fileprivate static func end(_ identity: FileIdentity) {
    open.withLock { open in
      guard var entry = open[identity] else { return }
      entry.leases -= 1
      open[identity] = entry.leases > 0 ? entry : nil
      if entry.leases == 0 { entry.environment.close() }
    }
  }
}

/// The right to use an open environment, which stays open as long as somebody has one.
final class IndexLease: Sendable {
  let environment: IndexEnvironment
  /// The data file that is open; its name may lead to another by now.
  let identity: FileIdentity

  fileprivate init(environment: IndexEnvironment, identity: FileIdentity) {
    self.environment = environment
    self.identity = identity
  }

  deinit { IndexRegistry.end(identity) }
}
