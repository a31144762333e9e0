import Administration
import ArgumentParser
import ChunkStore
import Inspection

struct Repair: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Restore damaged and missing content from another repository.",
    usage: "varve repair --from <directory> [--dry-run] [<options>]",
    discussion: """
      Finds every chunk and map node that a revision needs but that is in the quarantine or \
      missing from all packs. Reads it from the other repository, checks its id, and stores it \
      in a new pack. Then it verifies the revisions concerned, and repairs the repository as \
      'varve check-repository --fix' does, which moves damaged packs to quarantine/packs. After \
      exit status 0, 'varve verify --all' finds no damage. Only known damage is repaired: run \
      'varve verify --all' first.

      The other repository must be a copy of this one, or both must be unencrypted and have the \
      same chunk size. No separate passphrase is needed for it, and it is only read.

        varve verify --all
        varve repair --from /srv/offsite/varve --dry-run
        varve repair --from /srv/offsite/varve
      """)

  @Option(
    help: ArgumentHelp("The repository to read content from.", valueName: "directory"),
    completion: .directory)
  var from: String

  @Flag(help: "Show what would be repaired, but store nothing.")
  var dryRun = false

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if from.isEmpty { throw ValidationError("--from needs a directory, found ''.") }
  }

  mutating func run() throws {
    let repository = try repository.open()
    let progress = ProgressBoard()
    let request = RepairRequest(from: from, isDryRun: dryRun)
    let outcome = try ProgressDisplay.showing({ progress.reading(of: "revisions") }) {
      try request.run(
        on: repository, environment: .local, context: .ofProgram(showing: progress))
    }
    let report = outcome.report
    try json.print(outcome.json(.commandLine), orLines: report.lines)
    Console.shared.message(report.summary)
    if !report.isComplete { throw ReportedFailure() }
  }
}
