import FileIO
import Glibc
import JSONText
import Synchronization
import SystemPackage

/// Standard output, where data goes and nothing else. Errors count: a full disk behind a redirection
/// must not look like success.
final class StandardOutput {
  private static let bufferBytes = 1 << 16
  private static let written = Atomic(false)

  /// Whether anything was written by this process.
  static var hasWritten: Bool { written.load(ordering: .relaxed) }

  private var buffer: [UInt8] = []

  /// For a command that must not act unless its user can see what it will do.
  ///
  /// - Throws: ``Failure`` where standard output was closed when the program began.
  static func checkThatItIsOpen() throws(Failure) {
    guard StandardDescriptors.isOutputClosed else { return }
    throw Failure(
      .invalidRequest,
      "standard output is closed, so the list of changes cannot be shown; nothing was changed; "
        + "redirect it, for example to a file")
  }

  /// Writes `text`, and whatever was written before, when ``flush()`` is called or much is at hand.
  ///
  /// - Throws: `FileError`.
  func write(_ text: String) throws(FileError) {
    buffer += text.utf8
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  /// One line; what could make it another is escaped.
  func line(_ text: String) throws(FileError) { try write(text.printable + "\n") }

  func flush() throws(FileError) {
    defer { buffer.removeAll(keepingCapacity: true) }
    try write(buffer)
  }

  /// Writes `bytes` at once.
  func write(_ bytes: [UInt8]) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(STDOUT_FILENO, $0.baseAddress! + written, bytes.count - written)
      }
      if count > 0 {
        Self.written.store(true, ordering: .relaxed)
        written += count
      } else if errno != EINTR {
        throw FileError(
          operation: "write to", path: "standard output", errno: Errno(rawValue: errno))
      }
    }
  }
}

extension StandardOutput {
  /// Writes one document.
  func document(_ value: JSON) throws(FileError) {
    try write(value.indentedText + "\n")
    try flush()
  }

  func table(_ table: Table) throws(FileError) {
    let terminal = Terminal.output
    let columns = terminal.isTerminal ? terminal.columns : Terminal.widthOfFiles
    for text in table.lines(colours: terminal.usesColours, columns: columns) {
      try write(text + "\n")
    }
    try flush()
  }
}
