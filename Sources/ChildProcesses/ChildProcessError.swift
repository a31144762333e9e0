import FileIO
package import SystemPackage

/// The failure of a program of the system.
package struct ChildProcessError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The program is missing, or cannot be started or watched.
    case cannotRun
    /// The program ended with a status other than 0, or before it was ready.
    case failed
    /// The program took too long to become ready.
    case notReady
    /// The work was cancelled while the program started.
    case cancelled
    /// No socket can be created in a directory.
    case unusableDirectory
  }

  package let code: Code
  /// The error of the system; nil if the failure is another one.
  package let errno: Errno?
  package let description: String

  private init(_ code: Code, errno: Errno? = nil, _ description: String) {
    self.code = code
    self.errno = errno
    self.description = description
  }

  static let cancelled = Self(.cancelled, "interrupted")

  static func cannotRun(_ program: String, _ errno: Errno) -> Self {
    Self(.cannotRun, errno: errno, "cannot run \(program): \(errno.explanation)")
  }

  /// - Parameter said: the output of the program, on one line.
  static func failed(_ program: String, _ ending: ChildProcess.Ending, said: String) -> Self {
    if said.isEmpty { return Self(.failed, "\(program) ended with \(ending)") }
    return Self(.failed, said.hasPrefix("\(program):") ? said : "\(program): \(said)")
  }

  static func cannotStart(_ name: String, program: String, _ errno: Errno) -> Self {
    Self(.cannotRun, errno: errno, "cannot start \(name), \(program): \(errno.explanation)")
  }

  static func endedEarly(_ name: String, _ ending: ChildProcess.Ending, said: String) -> Self {
    Self(.failed, "\(name) did not start: \(said.isEmpty ? "\(ending)" : said)")
  }

  static func notReady(_ name: String, after patience: Duration) -> Self {
    Self(.notReady, "\(name) did not start within \(patience)")
  }

  static func notUTF8(_ directory: String) -> Self {
    Self(
      .unusableDirectory,
      "cannot create a socket in \(directory): its name is not UTF-8; choose another directory"
    )
  }
}
