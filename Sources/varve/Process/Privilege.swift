import Glibc

/// What only root may do.
enum Privilege {
  /// - Parameter task: such as `mounting`.
  static func require(for task: String) throws(Failure) {
    guard geteuid() == 0 else {
      throw Failure(.permissionDenied, "\(task) needs root; try sudo")
    }
  }
}
