import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore

struct Forget: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forget revisions by name.",
    usage: "varve forget (<revision> ... | --job <job>) [<options>]",
    discussion: """
      No command can use a forgotten revision any more. A server or restore that already has the \
      revision open can read it until that server or restore ends. 'varve gc' frees the space.

        varve forget web01@1f3a9c02
        varve forget web01@first web01@tag:broken --dry-run
        varve forget --job web01 --yes

      Either all of the named revisions are forgotten, or none. A protected revision needs \
      --force-protected. The last usable revision of a job (neither distrusted nor unusual) \
      needs --yes. The name of a job alone is refused here; in other commands it means the \
      newest revision. To forget an unreadable revision, give its full id and --yes. A revision \
      with an overlay is pinned, and refused until the overlay is removed or the pin released \
      ('varve pin').
      """)

  @Argument(
    help: "Revisions such as web01@first; required unless --job is given.",
    transform: NameArgument.revision)
  var revisions: [RevisionReference] = []

  @Option(help: "All revisions of this job.", transform: NameArgument.job)
  var job: String?

  @Flag(help: "Also forget protected revisions.")
  var forceProtected = false

  @Flag(
    help: """
      Also forget the last usable revision of a job, and unreadable revisions. Also accept names \
      such as web01@latest even if they could refer to an unreadable revision.
      """)
  var yes = false

  @Flag(help: "Show what would be forgotten, but forget nothing.")
  var dryRun = false

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if revisions.isEmpty, job == nil {
      throw ValidationError("Name the revisions to forget, or use --job.")
    }
    if !revisions.isEmpty, job != nil {
      throw ValidationError("--job cannot be combined with revisions.")
    }
    try NameArgument.checkWhole(revisions)
  }

  mutating func run() throws {
    var request = ForgetRequest(job.map { .job($0) } ?? .revisions(revisions))
    request.forcesProtected = forceProtected
    request.isConfirmed = yes
    request.isDryRun = dryRun
    let outcome = try request.run(on: repository.open()) { try report($0) }
    let count = Quantities.count(outcome.count, "revision")
    Console.shared.message(
      dryRun ? "would forget \(count)" : "forgot \(count); run 'varve gc' to free space")
  }

  /// Before anything goes.
  private func report(_ outcome: ForgetOutcome) throws {
    try StandardOutput.checkThatItIsOpen()
    outcome.notices.warn()
    let output = StandardOutput()
    if json.isWanted {
      try output.document(outcome.json)
    } else if !outcome.entries.isEmpty {
      try output.table(RevisionEntry.table(of: outcome.entries))
    }
    for entry in outcome.entries {
      for user in outcome.users[entry.id] ?? [] {
        Console.shared.warning("revision \(entry.shortID) is in use and stays readable for \(user)")
      }
    }
  }
}
