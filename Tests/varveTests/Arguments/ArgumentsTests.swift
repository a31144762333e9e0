import Testing

@testable import varve

@Suite struct ArgumentsTests {
  private func normalised(_ text: String) throws -> String {
    try Arguments.normalised(text.split(separator: " ").map(String.init)).joined(separator: " ")
  }

  @Test func anOptionalValueFollowsTheEqualsSignOnly() throws {
    #expect(
      try normalised("restore --skip-damaged web01 out.raw")
        == "restore --skip-damaged=zeros web01 out.raw")
    #expect(try normalised("restore --skip-damaged=0xff") == "restore --skip-damaged=0xff")
    #expect(try normalised("run -- --skip-damaged") == "run -- --skip-damaged")
  }

  @Test(
    "options before the subcommand move behind it",
    arguments: [
      ("-r /srv revisions", "revisions -r /srv"),
      ("--repository=/srv --json revisions web01", "revisions --repository=/srv --json web01"),
      ("-r /srv key list", "key list -r /srv"),
      ("key -r /srv list", "key list -r /srv"),
      ("-r a key --json list -r b", "key list -r a --json -r b"),
      (
        "--passphrase-file p --key-file k backup j d", "backup --passphrase-file p --key-file k j d"
      ),
      ("-r /srv run j -- -r x", "run -r /srv j -- -r x"),
      // A value may look like a command.
      ("-r backup backup j d", "backup -r backup j d"),
      // Whatever else stands first is the parser's.
      ("--version", "--version"), ("--help", "--help"), ("-x backup", "-x backup"),
      ("--json", ""), ("-r", ""), ("", ""), ("-r /srv --help", "--help"),
      ("help key list", "help key list"),
    ])
  func optionsMove(_ given: String, _ expected: String) throws {
    #expect(try normalised(given) == expected)
  }

  @Test(
    "a command that is not there is refused, and the nearest is suggested",
    arguments: [
      ("bakup", "'varve backup'"), ("backpu", "'varve backup'"), ("revision", "'varve revisions'"),
      ("restor web01 out", "'varve restore'"), ("key lst", "'varve key list'"),
      ("extract", "'varve restore'"), ("compact", "'varve gc'"), ("-r x prun", "'varve prune'"),
      ("help nosuch", "'varve --help'"), ("help key lst", "'varve key list'"),
      ("nonsense", "'varve --help'"), ("key nonsense", "'varve key --help'"),
      (String(repeating: "backup", count: 50), "'varve --help'"),
    ])
  func unknownCommands(_ given: String, _ suggested: String) {
    let failure = #expect(throws: UsageFailure.self) { try normalised(given) }
    #expect(failure?.description.contains(suggested) == true, "\(failure?.description ?? "")")
  }

  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("backup", "backup", 0), ("bakcup", "backup", 1),
    ("show", "serve", 4),
  ])
  func lettersThatDiffer(_ left: String, _ right: String, _ count: Int) {
    #expect(CommandSuggestion.distance(left, right) == count)
    #expect(CommandSuggestion.distance(right, left) == count)
  }
}
