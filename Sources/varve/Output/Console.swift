import CLinux
import Glibc
import Synchronization
import Workers

/// Standard error: messages, and on a terminal one line that is redrawn below them. Any thread may
/// write.
final class Console: Sendable {
  static let shared = Console()

  /// As syslog(3) keeps it, for as long as the process lives.
  private static let logName: StaticString = "varve"

  private let statusLine = Mutex("")
  private let usesSystemLog = Atomic(false)

  /// Prints a line, `varve:` in front.
  func message(_ text: String) {
    print("varve: \(text.printableLines)", priority: LOG_NOTICE)
  }

  /// Prints a line that begins with `warning:`.
  func warning(_ text: String) {
    let label = Terminal.messages.usesColours ? Colour.doubtful.applied(to: "warning:") : "warning:"
    print("varve: \(label) \(text.printableLines)", priority: LOG_WARNING)
  }

  /// Prints a text as it is: nothing that comes from a disk or a client.
  func print(_ text: String) { print(text, priority: LOG_INFO) }

  /// Has everything go to the system's log from now on.
  func useSystemLog() {
    Self.logName.withUTF8Buffer { name in
      name.withMemoryRebound(to: CChar.self) { openlog($0.baseAddress, LOG_PID, LOG_DAEMON) }
    }
    usesSystemLog.store(true, ordering: .releasing)
  }

  private func print(_ text: String, priority: CInt) {
    // The log adds the program's name itself.
    guard !usesSystemLog.load(ordering: .acquiring) else {
      return linux_log(priority, text.hasPrefix("varve: ") ? String(text.dropFirst(7)) : text)
    }
    statusLine.withLock { status in
      Self.write(Self.erasing(status) + text + "\n" + status)
    }
  }

  /// Puts `text`, which fits on the terminal's line, in the place of the status line; nothing where
  /// there is no terminal, or once `ended` is raised.
  func showStatus(_ text: String, unless ended: CancellationFlag? = nil) {
    guard Terminal.messages.isTerminal else { return }
    statusLine.withLock { status in
      if let ended, ended.isCancelled { return }
      Self.write(Self.erasing(status) + text)
      status = text
    }
  }

  func clearStatus() { showStatus("") }

  private static func erasing(_ status: String) -> String { status.isEmpty ? "" : "\r\u{1b}[K" }

  /// Nobody can be told when standard error is closed.
  private static func write(_ text: String) {
    guard !text.isEmpty else { return }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(STDERR_FILENO, $0.baseAddress! + written, bytes.count - written)
      }
      guard count > 0 || errno == EINTR else { return }
      written += max(0, count)
    }
  }
}
