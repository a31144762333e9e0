import Administration
import FileIO

/// The command line as the parser wants it.
enum Arguments {
  /// Options whose value may be left out, and then is this. The value follows after `=` only: in
  /// `--skip-damaged out.raw` the next word is the target. (The parser's `defaultAsFlag` takes the next
  /// word for the value, and the default where a value is wrong.)
  private static let defaults = ["--skip-damaged": DamageFill.zeros.description]

  /// The words of the command line, as `Swift/String/init(escaping:)` has them: the standard library
  /// would replace what is no UTF-8.
  static func given() -> [String] {
    (0..<Int(CommandLine.argc)).compactMap { number in
      CommandLine.unsafeArgv[number].map { String(escapingCString: $0) }
    }
  }

  /// The arguments with every left-out value filled in, and with options that stand before the
  /// subcommand behind it.
  ///
  /// - Throws: ``UsageFailure`` where there is no such subcommand.
  static func normalised(_ arguments: some Sequence<String>) throws -> [String] {
    try CommandPath(withDefaults(arguments)).arguments
  }

  /// Whether the value of `option`, such as `--skip-damaged`, may be left out.
  static func hasDefault(_ option: String) -> Bool { defaults[option] != nil }

  private static func withDefaults(_ arguments: some Sequence<String>) -> [String] {
    var isAfterTerminator = false
    return arguments.map { argument in
      isAfterTerminator = isAfterTerminator || argument == "--"
      guard !isAfterTerminator, let value = defaults[argument] else { return argument }
      return "\(argument)=\(value)"
    }
  }

  /// Whether `option`, a flag, is among the arguments of the program itself: those before `--`.
  static func contain(_ option: String, _ arguments: some Sequence<String>) -> Bool {
    arguments.prefix { $0 != "--" }.contains(option)
  }
}
