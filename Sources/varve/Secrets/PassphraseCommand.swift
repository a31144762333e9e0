import CLinux
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
    guard linux_make_pipe(&ends) == 0 else { throw failure(errno) }
    let output = Descriptor(owning: ends[0])
    let process = try start(writingTo: Descriptor(owning: ends[1]))
    let content = Result { try SecretBytes.reading(output, limitBytes: SecretFile.limitBytes) }
    try waitFor(process)
    guard let passphrase = try content.get()?.withoutLineEnd(), passphrase.count > 0 else {
      throw Failure(
        "the passphrase command '\(command)' printed no passphrase of up to "
          + "\(SecretFile.limitBytes) bytes")
    }
    return passphrase
  }

  private func start(writingTo input: consuming Descriptor) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, input.rawValue, STDOUT_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    setOrdinarySignals(&attributes)
    var process: pid_t = 0
    let status = ["sh", "-c", command].withCStrings {
      posix_spawn(&process, "/bin/sh", &actions, &attributes, $0, environ)
    }
    guard status == 0 else { throw failure(status) }
    return process
  }

  /// The signals that varve blocks or ignores are the command's again.
  private func setOrdinarySignals(_ attributes: inout posix_spawnattr_t) {
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  }

  private func waitFor(_ process: pid_t) throws {
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { throw failure(errno) }
    }
    guard status != 0 else { return }
    let signal = status & 0x7f
    let ending = signal == 0 ? "exit status \(status >> 8 & 0xff)" : "signal \(signal)"
    throw Failure("the passphrase command '\(command)' ended with \(ending)")
  }

  private func failure(_ errno: CInt) -> Failure {
    Failure("cannot run the passphrase command '\(command)': \(Errno(rawValue: errno).explanation)")
  }
}

extension [String] {
  /// The strings as a C program takes its arguments, a null pointer last.
  fileprivate func withCStrings<Result>(
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }
}
