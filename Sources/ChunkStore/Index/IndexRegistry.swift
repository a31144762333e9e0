import Synchronization
import SystemPackage

/// The environments that are open in this process, by directory: LMDB's locks break when a process
/// opens one twice.
enum IndexRegistry {
  private final class Reference {
    weak var environment: IndexEnvironment?

    init(_ environment: IndexEnvironment) { self.environment = environment }
  }

  private static let open = Mutex<[FilePath: Reference]>([:])

  /// The environment in `directory`, opened where it is not open yet.
  ///
  /// - Parameter prepare: called before it is opened for the first time in this process.
  static func environment(
    in directory: FilePath, preparing prepare: () throws -> Void
  ) throws -> IndexEnvironment {
    try open.withLock { open in
      if let environment = open[directory]?.environment { return environment }
      try prepare()
      let environment = try IndexEnvironment(directory: directory)
      open[directory] = Reference(environment)
      return environment
    }
  }

  /// Lets the next ``environment(in:preparing:)`` open the directory anew; who uses the old one goes
  /// on using the files that were there.
  static func forget(_ environment: IndexEnvironment) {
    open.withLock { open in
      if open[environment.directory]?.environment === environment {
        open[environment.directory] = nil
      }
    }
  }
}
