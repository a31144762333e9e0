import ArgumentParser
import ChildProcesses
import Glibc

/// How a server runs on when whoever started it goes on.
struct BackgroundOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Run in the background, and return as soon as clients can connect.",
      discussion: """
        The exit status is then 0. If the server cannot start, the command reports why, with the \
        same exit status as without --daemonize. Later messages go to the system's log (syslog), or \
        to --log-file.
        """))
  var daemonize = false

  @Option(
    help: ArgumentHelp(
      "Write the process ID to this file as soon as clients can connect.",
      discussion: "The file is removed when the server has ended.",
      valueName: "file"),
    completion: .file())
  var pidfile: String?

  @Option(
    help: ArgumentHelp(
      "Append messages to this file as soon as clients can connect; SIGHUP reopens it.",
      valueName: "file"),
    completion: .file())
  var logFile: String?

  mutating func validate() throws {
    if pidfile == "" { throw ValidationError("--pidfile needs a path, found ''.") }
    if logFile == "" { throw ValidationError("--log-file needs a path, found ''.") }
  }

  /// Goes on in the background where that is wanted. To be called while there is one thread only.
  ///
  /// - Throws: ``UsageFailure`` where sockets were passed: they are meant for this very process.
  func begin() throws {
    guard daemonize else { return }
    if Environment["LISTEN_PID"] == "\(getpid())" {
      throw UsageFailure(
        "--daemonize cannot be combined with sockets passed by systemd; leave it out")
    }
    try BackgroundProcess.shared.begin()
  }
}
