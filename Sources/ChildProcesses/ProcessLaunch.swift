import CLinux
import FileIO
import Glibc
import Synchronization
import SystemPackage

/// A program to start, with its arguments, streams and environment.
package struct ProcessLaunch {
  /// The target of one of the program's standard streams.
  package enum Stream {
    /// The same as for this process.
    case inherited
    /// `/dev/null`.
    case nothing
    /// A copy of an open descriptor of this process. This process must still close its own.
    case descriptor(CInt)
  }

  /// The number that ``extraDescriptor`` has in the program.
  package static let extraNumber: CInt = 3

  /// The program and its arguments. The program is looked up in `PATH` unless it is a path.
  package let words: [String]
  /// The program's file, if it differs from the first word. The first word is then only the name
  /// that the program gets as argument 0.
  package var path: String?
  package var input = Stream.inherited
  package var output = Stream.inherited
  package var errors = Stream.inherited
  /// Another open descriptor of this process. The program gets a copy as number ``extraNumber``.
  package var extraDescriptor: CInt?
  /// Variables that differ from the variables of this process; nil removes a variable.
  package var environment: [String: String?] = [:]
  /// Whether the program may outlive this process. It then has its own session, so the terminal's
  /// signals do not reach it, and its current directory is `/`.
  package var isDetached = false

  package init(_ words: [String]) {
    precondition(!words.isEmpty)
    self.words = words
  }

  private static let withheld = Mutex<Set<String>>([])

  /// From now on, no program inherits these variables of this process. For secrets.
  package static func withhold(_ variables: Set<String>) {
    withheld.withLock { $0.formUnion(variables) }
  }

  /// Starts the program. (posix_spawnp(3))
  func spawn() throws(Errno) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    add(to: &actions)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    set(&attributes)
    var process: pid_t = 0
    let failure = words.withCStrings { words in
      variables.withCStrings { variables in
        (path ?? self.words[0]).withUnescapedCString {
          posix_spawnp(&process, $0, &actions, &attributes, words, variables)
        }
      }
    }
    guard failure == 0 else { throw Errno(rawValue: failure) }
    return process
  }

  private func add(to actions: inout posix_spawn_file_actions_t) {
    for (stream, number) in [
      (input, STDIN_FILENO), (output, STDOUT_FILENO), (errors, STDERR_FILENO),
    ] {
      switch stream {
      case .inherited: break
      case .nothing: posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
      case .descriptor(let descriptor):
        posix_spawn_file_actions_adddup2(&actions, descriptor, number)
      }
    }
    if let extraDescriptor {
      posix_spawn_file_actions_adddup2(&actions, extraDescriptor, Self.extraNumber)
    }
    if isDetached { linux_spawn_in_directory(&actions, "/") }
  }

  /// Gives the program the default for signals: none is blocked, and SIGPIPE is not ignored. A
  /// detached program does not get the default for SIGPIPE: it must not end because nobody reads
  /// its messages.
  private func set(_ attributes: inout posix_spawnattr_t) {
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGXFSZ)
    if !isDetached { sigaddset(&signals, SIGPIPE) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(
      &attributes, Int16(isDetached ? flags | linux_spawn_in_new_session : flags))
  }

  /// The program's environment as `NAME=VALUE`.
  private var variables: [String] {
    let withheld = Self.withheld.withLock { $0 }
    var all: [String] = []
    var next = environ
    while let variable = next.pointee {
      let text = String(escapingCString: variable)
      let name = String(text.prefix { $0 != "=" })
      if environment[name] == nil, !withheld.contains(name) { all.append(text) }
      next += 1
    }
    return all + environment.compactMap { name, value in value.map { "\(name)=\($0)" } }
  }
}

/// The environment of this process.
package enum Environment {
  /// A variable's value, escaped by ``Swift/String/init(escaping:)``; nil if it is not set or is
  /// empty.
  package static subscript(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(escapingCString: value)
  }
}

extension [String] {
  /// Calls `body` with the strings in the form of a C program's arguments: the last pointer is
  /// null.
  fileprivate func withCStrings<Result>(
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = map { $0.withUnescapedCString { strdup($0) } } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }
}
