/// What the parser cannot be told. (Its `defaultAsFlag` takes the next word for the value, and the
/// default where a value is wrong.)
enum Arguments {
  /// Options whose value may be left out, and then is this. The value follows after `=` only: in
  /// `--skip-damaged out.raw` the next word is the target.
  private static let defaults = ["--skip-damaged": DamageFill.zeros.description]

  /// The arguments with every left-out value filled in.
  static func normalised(_ arguments: some Sequence<String>) -> [String] {
    var isAfterTerminator = false
    return arguments.map { argument in
      isAfterTerminator = isAfterTerminator || argument == "--"
      guard !isAfterTerminator, let value = defaults[argument] else { return argument }
      return "\(argument)=\(value)"
    }
  }
}
