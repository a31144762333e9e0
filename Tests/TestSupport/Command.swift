package import Glibc
import SystemPackage

/// A program run by a test.
package enum Command {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Runs a program to its end; returns its standard output without the last newline.
  ///
  /// Throws when it cannot be started or ends with anything but 0.
  @discardableResult
  package static func run(_ arguments: String...) throws -> String {
    try run(arguments)
  }

  /// The same for a list.
  @discardableResult
  package static func run(_ arguments: [String]) throws -> String {
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure(description: "pipe: \(Errno(rawValue: errno))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    let process: pid_t
    do {
      defer { close(ends[1]) }
      process = try spawn(arguments, output: ends[1])
    }
    let output = readToEnd(ends[0])
    let status = wait(for: process)
    guard status == 0 else {
      throw Failure(description: "\(arguments.joined(separator: " ")): exit status \(status)")
    }
    return output
  }

  /// Starts a program, with this process's standard output unless another is given.
  package static func spawn(_ arguments: [String], output: CInt? = nil) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output { posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) }
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let failure = posix_spawnp(&process, arguments[0], &actions, nil, &words, environ)
    guard failure == 0 else {
      throw Failure(description: "\(arguments[0]): \(Errno(rawValue: failure))")
    }
    return process
  }

  /// Waits for the end of a process; its exit status, or 128 and the signal that ended it.
  @discardableResult
  package static func wait(for process: pid_t) -> CInt {
    var status: CInt = 0
    while waitpid(process, &status, 0) == -1, errno == EINTR {}
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f
  }

  private static func readToEnd(_ descriptor: CInt) -> String {
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count == -1, errno == EINTR { continue }
      if count <= 0 { break }
      output.append(contentsOf: piece.prefix(count))
    }
    if output.last == UInt8(ascii: "\n") { output.removeLast() }
    return String(decoding: output, as: UTF8.self)
  }
}
