import Administration
import ArgumentParser
import ChildProcesses
import ChunkStore
import FileIO
import Glibc
import Logging
import NBDServer
import SystemPackage

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a command that reads a revision over NBD.",
    usage: "varve run <revision> [--writable] [<options>] -- <command> [<argument> ...]",
    discussion: """
      While the command runs, a private server serves the volume as its only export. The command \
      finds the export's URI in the variable uri, and its parts in unixsocket and exportname.

        varve run web01@latest -- nbdinfo '$uri'
        varve run web01@2026-11-20 -- 'nbdcopy "$uri" - | sha256sum'
        varve run web01 --writable -- nbdsh -u '$uri'

      A single word is run by /bin/sh. If there are several words, the first is the program; \
      varve replaces $uri, $unixsocket and $exportname in the others, without a shell. The exit \
      status is that of the command; it is 128 plus the signal's number after a signal, 127 if \
      the program does not exist, and 126 if it cannot be run. SIGINT and SIGTERM are passed on \
      to the command; $VARVE_PASSPHRASE is not.
      """)

  private static let gracePeriod = Duration.seconds(3)

  @Argument(
    help: "The revision, such as web01@latest; with /VOLUME if it has several.",
    transform: NameArgument.revision)
  var revision: RevisionReference

  @Flag(
    help: "Let the command write; its writes are discarded when it has ended.")
  var writable = false

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("The command, after '--'.", valueName: "command"))
  var command: [String] = []

  @OptionGroup var overlays: OverlayLocation
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if overlays.overlayDirectory != nil, !writable {
      throw ValidationError("--overlay-directory needs --writable.")
    }
    if command.isEmpty { throw ValidationError("A command is expected after '--'.") }
    if command[0].isEmpty { throw ValidationError("A command is expected, found ''.") }
  }

  mutating func run() throws {
    let selected = try SelectedVolume(revision, in: repository)
    let directory = try PrivateDirectory.temporary()
    let ending = try Interruption.shared.cleaningUp(with: { try? directory.remove() }) {
      defer { try? directory.remove() }
      return try serve(selected, in: directory.path)
    }
    if ending != .exited(0) { throw CommandEnding(status: ending.status) }
  }

  /// What one connection of the command writes, the others see.
  private func exports(of selected: SelectedVolume) throws -> any ExportCatalog {
    var request = ServingRequest([try RevisionReference(selected.reference)])
    request.writing = writable ? .shared : .refused
    let repository = selected.repository
    return try request.prepare(on: repository, context: .ofProgram()).open(
      overlays: { try overlays.store(of: repository) },
      temporary: { try overlays.temporary(for: repository) }
    ).exports
  }

  private func serve(
    _ selected: SelectedVolume, in directory: FilePath
  ) throws -> ChildProcess.Ending {
    try UnixSocket.checkDirectory(directory)
    let socket = directory.appending("socket").string
    let server = try NBDServer.start(
      configuration: ServerConfiguration(addresses: [.unix(path: socket)]),
      catalog: try exports(of: selected),
      logger: Logger(label: "varve") { _ in MessageLog() })
    defer { server.stop(gracePeriod: Self.gracePeriod) }
    let words = CommandWords(command, reaching: socket)
    let process: ChildProcess
    do {
      process = try ChildProcess(words.launch)
    } catch {
      Console.shared.message("cannot run '\(command[0])': \(error.explanation)")
      return .exited(error == .noSuchFileOrDirectory ? 127 : 126)
    }
    return try Interruption.shared.passingSignals(to: process.send) { try process.wait() }
  }
}
