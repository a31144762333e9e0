import CLinux
import FileIO
import Glibc
import Synchronization
import SystemPackage

/// How a program is to be started.
package struct ProcessLaunch {
  /// Where one of the program's standard streams leads.
  package enum Stream {
    /// Where that of this process leads.
    case inherited
    /// `/dev/null`.
    case nothing
    /// An open descriptor of this process, which stays its own.
    case descriptor(CInt)
  }

  /// Under what number the program finds ``extraDescriptor``.
  package static let extraNumber: CInt = 3

  /// The program, which is looked for in `PATH` unless it is a path, and its arguments.
  package let words: [String]
  /// The program's file, where the first word is only what the program is told that it is called.
  package var path: String?
  package var input = Stream.inherited
  package var output = Stream.inherited
  package var errors = Stream.inherited
  /// An open descriptor of this process that the program gets besides, as number ``extraNumber``.
  package var extraDescriptor: CInt?
  /// Variables that differ from those of this process; nil for one that the program is not to have.
  package var environment: [String: String?] = [:]
  /// Whether the program outlives this process: it has a session of its own, out of reach of the terminal's
  /// signals, and holds no directory but the root.
  package var isDetached = false

  package init(_ words: [String]) {
    precondition(!words.isEmpty)
    self.words = words
  }

  private static let withheld = Mutex<Set<String>>([])

  /// Has no program get these variables of this process from now on: secrets.
  package static func withhold(_ variables: Set<String>) {
    withheld.withLock { $0.formUnion(variables) }
  }

  /// posix_spawnp(3).
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

  /// The signals that this process blocks or ignores are the program's again. One that outlives it still
  /// ignores SIGPIPE: nobody reads what it has to say.
  private func set(_ attributes: inout posix_spawnattr_t) {
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
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
  /// A variable's value, as ``Swift/String/init(escaping:)`` has it; nil where it is not set or is empty.
  package static subscript(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(escapingCString: value)
  }
}

extension [String] {
  /// The strings as a C program takes its arguments, a null pointer last.
  fileprivate func withCStrings<Result>(
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = map { $0.withUnescapedCString { strdup($0) } } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }
}
