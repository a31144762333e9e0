import Administration
import ArgumentParser
import ChunkStore
import FileIO
import Inspection
import SystemPackage

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

  @Flag(help: "Show what would be repaired, and store nothing.")
  var dryRun = false

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if from.isEmpty { throw ValidationError("--from wants a directory, found ''.") }
  }

  mutating func run() throws {
    let repository = try repository.open()
    let other = try Repository.open(
      at: FilePath(escaped: from), environment: .local, sharing: repository.keys)
    if try other.isSamePlace(as: repository) {
      throw Failure("\(from) is the repository that is to be repaired; give another with --from")
    }
    let progress = ProgressBoard()
    let repair = Inspection.Repair(
      repository: repository, from: other, isDryRun: dryRun,
      context: .ofProgram(showing: progress))
    let report = try ProgressDisplay.showing({ progress.reading(of: "revisions") }) {
      try repair.run()
    }
    try json.print(report.json, orLines: report.lines)
    Console.shared.message(report.summary)
    if !report.isComplete { throw ReportedFailure() }
  }
}
