import CLinux
import ChildProcesses
import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// A command that prints the passphrase, such as that of a password manager; run by `/bin/sh`.
///
/// Its standard input is empty: that of varve may be the disk that is being backed up.
struct PassphraseCommand {
  private let command: String

  init(_ command: String) { self.command = command }

  func run() throws -> SecretBytes {
    var ends: [CInt] = [0, 0]
    guard linux_make_pipe(&ends) == 0 else { throw failure(Errno(rawValue: errno)) }
    let output = Descriptor(owning: ends[0])
    let process = try start(writingTo: Descriptor(owning: ends[1]))
    let content = Result { try SecretBytes.reading(output, limitBytes: SecretFile.limitBytes) }
    try waitFor(process)
    guard let passphrase = try content.get()?.withoutLineEnd(), passphrase.count > 0 else {
      throw Failure(
        .failed,
        "the passphrase command '\(command)' printed nothing, or more than "
          + "\(SecretFile.limitBytes) bytes")
    }
    return passphrase
  }

  private func start(writingTo input: consuming Descriptor) throws -> ChildProcess {
    var launch = ProcessLaunch(["/bin/sh", "-c", command])
    launch.input = .nothing
    launch.output = .descriptor(input.rawValue)
    do {
      return try ChildProcess(launch)
    } catch {
      throw failure(error)
    }
  }

  private func waitFor(_ process: ChildProcess) throws {
    let ending: ChildProcess.Ending
    do {
      ending = try process.wait()
    } catch {
      throw failure(error)
    }
    guard ending == .exited(0) else {
      throw Failure(.failed, "the passphrase command '\(command)' ended with \(ending)")
    }
  }

  private func failure(_ error: Errno) -> Failure {
    Failure(.failed, "cannot run the passphrase command '\(command)': \(error.explanation)")
  }
}
