import FileIO
import Glibc
import SystemPackage
import Workers

/// A program of the system that does a part of varve's work, such as mount(8).
package struct Tool {
  /// The most bytes that are kept of a program's messages, and of its output.
  private static let messageLimitBytes = 16 << 10
  private static let outputLimitBytes = 4 << 20

  /// The program, which is looked up in `PATH`, and its arguments.
  package let words: [String]

  package init(_ words: String...) { self.words = words }

  package init(_ words: [String]) { self.words = words }

  /// Whether there is an executable program called `name`.
  package static func isInstalled(_ name: String) -> Bool { path(of: name) != nil }

  /// Runs the program to its end.
  ///
  /// - Throws: ``ChildProcessError``: `.cannotRun` if the program cannot be started; `.failed`,
  ///   with its messages, if its exit status is not 0.
  package func run() throws(ChildProcessError) {
    let (ending, bytes) = try outcome(limitBytes: Self.messageLimitBytes)
    try check(ending, Self.oneLine(bytes))
  }

  /// Runs the program to its end, and returns the lines that it printed.
  ///
  /// - Throws: ``ChildProcessError``: `.cannotRun` if the program cannot be started; `.failed`,
  ///   with its messages, if its exit status is not 0.
  package func output() throws(ChildProcessError) -> [String] {
    let (ending, bytes) = try outcome(limitBytes: Self.outputLimitBytes)
    try check(ending, Self.oneLine(bytes))
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(
      String.init)
  }

  private func check(_ ending: ChildProcess.Ending, _ text: String) throws(ChildProcessError) {
    if ending != .exited(0) { throw .failed(words[0], ending, said: text) }
  }

  private func outcome(limitBytes: Int) throws(ChildProcessError) -> (ChildProcess.Ending, [UInt8])
  {
    do throws(Errno) {
      let pipe = try Pipe()
      let reading = pipe.reading
      let process = try start(writingTo: pipe.writing)
      return try Cleanups.ofProcess.cleaningUp(with: { process.send(SIGKILL) }) {
        () throws(Errno) in
        let bytes = try Self.bytes(of: reading, limitBytes: limitBytes)
        return (try process.wait(), bytes)
      }
    } catch {
      throw .cannotRun(words[0], error)
    }
  }

  private func start(writingTo output: consuming Descriptor) throws(Errno) -> ChildProcess {
    var launch = ProcessLaunch(words)
    launch.path = Self.path(of: words[0])
    launch.input = .nothing
    launch.output = .descriptor(output.rawValue)
    launch.errors = .descriptor(output.rawValue)
    launch.environment = ["LC_ALL": "C"]
    return try ChildProcess(launch)
  }

  /// The first `limitBytes` of a pipe. Reads the pipe to its end, since a full pipe would stop the
  /// program.
  private static func bytes(
    of pipe: borrowing Descriptor, limitBytes: Int
  ) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try pipe.nextBytes()
      if piece.isEmpty { return bytes }
      bytes += piece.prefix(limitBytes - bytes.count)
    }
  }

  /// The lines of `bytes`, joined by `; `.
  static func oneLine(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.split(separator: " ").joined(separator: " ") }.filter { !$0.isEmpty }
      .joined(separator: "; ")
  }

  /// The path of a program. Also looks in `/usr/sbin` and `/sbin`: on Debian, some system programs
  /// are there, and the `PATH` of an ordinary user does not contain these directories.
  private static func path(of name: String) -> String? {
    let directories = "\(Environment["PATH"] ?? ""):/usr/sbin:/sbin".split(separator: ":")
    return directories.map { "\($0)/\(name)" }.first {
      $0.withUnescapedCString { access($0, X_OK) } == 0
    }
  }
}
