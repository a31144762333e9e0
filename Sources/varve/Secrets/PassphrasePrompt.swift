import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// Asks a person for a passphrase, at the terminal that controls the process and without echo, even
/// where standard input and output are something else.
struct PassphrasePrompt {
  func ask(_ question: String) throws -> SecretBytes {
    let terminal = try ControllingTerminal()
    do throws(Errno) {
      if let answer = try terminal.ask(question) { return answer }
    } catch {
      throw Failure(.failed, "cannot ask for the passphrase at the terminal: \(error.explanation)")
    }
    throw Failure(.wrongKey, "no passphrase was typed")
  }

  /// Asks twice, and again while the answers differ.
  func askForNew(repository name: String) throws -> SecretBytes {
    while true {
      let first = try ask("New passphrase for \(name): ")
      if let fault = PassphraseFault(in: first) {
        Console.shared.message("\(fault)")
        continue
      }
      if first.equals(try ask("Repeat passphrase: ")) { return first }
      Console.shared.message("the passphrases differ; try again")
    }
  }
}

/// `/dev/tty`.
private final class ControllingTerminal: Sendable {
  /// What a terminal takes as one line (N_TTY_BUF_SIZE).
  private static let lineBytes = 4096

  private let descriptor: Descriptor

  init() throws {
    do throws(Errno) {
      descriptor = try Descriptor(opening: "/dev/tty", flags: O_RDWR | O_NOCTTY)
    } catch {
      throw Failure(
        .wrongKey,
        "cannot ask for the passphrase: there is no terminal (/dev/tty: "
          + "\(error.explanation)); use --passphrase-file, --passphrase-command or --key-file, or "
          + "set \(SecretSource.passphraseVariable)")
    }
  }

  /// The line that is typed; nil at the end of the input.
  func ask(_ question: String) throws(Errno) -> SecretBytes? {
    let original = try settings()
    return try Interruption.shared.cleaningUp(
      endsAtOnce: true, with: { [self] in set(original) },
      while: { () throws(Errno) in
        var silent = original
        silent.c_lflag &= ~tcflag_t(ECHO)
        set(silent)
        defer { set(original) }
        try write(question)
        let answer = try readLine()
        try write("\n")
        return answer
      })
  }

  private func settings() throws(Errno) -> termios {
    var settings = termios()
    guard tcgetattr(descriptor.rawValue, &settings) == 0 else { throw Errno(rawValue: errno) }
    return settings
  }

  private func set(_ settings: termios) {
    var settings = settings
    tcsetattr(descriptor.rawValue, TCSAFLUSH, &settings)
  }

  private func write(_ text: String) throws(Errno) {
    let bytes = Array(text.utf8)
    let outcome: Result<Void, Errno> = bytes.withUnsafeBytes { bytes in
      Result { () throws(Errno) in try descriptor.writeNext(bytes) }
    }
    try outcome.get()
  }

  private func readLine() throws(Errno) -> SecretBytes? {
    var count = 0
    let line = try SecretBytes(count: Self.lineBytes) { buffer throws(Errno) in
      count = try descriptor.readNext(into: buffer)
    }
    return count > 0 ? line.prefix(count).withoutLineEnd() : nil
  }
}
