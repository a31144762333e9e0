import FileIO
import Glibc
import SystemPackage

/// A program of the system that does a part of the work, such as mount(8).
struct Tool {
  /// What a program says, or prints, is kept up to these lengths.
  private static let messageLimitBytes = 16 << 10
  private static let outputLimitBytes = 4 << 20

  /// The program, which is looked for in `PATH`, and its arguments.
  let words: [String]

  init(_ words: String...) { self.words = words }

  init(_ words: [String]) { self.words = words }

  /// Whether `name` can be started at all.
  static func isInstalled(_ name: String) -> Bool { path(of: name) != nil }

  /// Runs the program to its end.
  ///
  /// - Throws: ``Failure`` with what it said where it cannot be started or does not end with 0.
  func run() throws(Failure) {
    let (ending, bytes) = try outcome(limitBytes: Self.messageLimitBytes)
    try check(ending, Self.oneLine(bytes))
  }

  /// Runs the program to its end; the lines that it printed.
  ///
  /// - Throws: ``Failure`` with what it said where it cannot be started or does not end with 0.
  func output() throws(Failure) -> [String] {
    let (ending, bytes) = try outcome(limitBytes: Self.outputLimitBytes)
    try check(ending, Self.oneLine(bytes))
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(
      String.init)
  }

  private func check(_ ending: ChildProcess.Ending, _ text: String) throws(Failure) {
    guard ending != .exited(0) else { return }
    if text.isEmpty { throw Failure("\(words[0]) ended with \(ending)") }
    throw Failure(text.hasPrefix("\(words[0]):") ? text : "\(words[0]): \(text)")
  }

  private func outcome(limitBytes: Int) throws(Failure) -> (ChildProcess.Ending, [UInt8]) {
    do {
      let pipe = try Pipe()
      let reading = pipe.reading
      let process = try start(writingTo: pipe.writing)
      return try Interruption.shared.cleaningUp(with: { process.send(SIGKILL) }) {
        () throws(Errno) in
        let bytes = try Self.bytes(of: reading, limitBytes: limitBytes)
        return (try process.wait(), bytes)
      }
    } catch {
      throw Failure("cannot run \(words[0]): \(error.explanation)")
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

  /// All that comes; read to its end, since a full pipe would stop the program.
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

  /// Lines joined by `; `.
  static func oneLine(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.split(separator: " ").joined(separator: " ") }.filter { !$0.isEmpty }
      .joined(separator: "; ")
  }

  /// Debian keeps mount(8)'s neighbours where a plain user's `PATH` does not look.
  private static func path(of name: String) -> String? {
    let directories = "\(Environment["PATH"] ?? ""):/usr/sbin:/sbin".split(separator: ":")
    return directories.map { "\($0)/\(name)" }.first {
      $0.withUnescapedCString { access($0, X_OK) } == 0
    }
  }
}
