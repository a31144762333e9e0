import CLinux
import ChildProcesses
import Glibc

/// What is known of the terminal behind a descriptor.
struct Terminal: Sendable {
  let isTerminal: Bool
  /// Whether colours are wanted there: not when the environment sets `NO_COLOR` (no-color.org), nor
  /// on a terminal that calls itself dumb.
  let usesColours: Bool
  private let descriptor: CInt
  /// How wide tables are made where there is no terminal.
  static let widthOfFiles = 100

  static let output = Terminal(descriptor: STDOUT_FILENO)
  static let messages = Terminal(descriptor: STDERR_FILENO)

  private init(descriptor: CInt) {
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
    usesColours =
      isTerminal && (Environment["NO_COLOR"] ?? "").isEmpty && Environment["TERM"] != "dumb"
  }

  /// Columns of the terminal now; 80 where it does not say.
  var columns: Int {
    let columns = Int(linux_terminal_columns(descriptor))
    return columns > 0 ? columns : 80
  }
}
