import ArgumentParser
import BackupEngine
import ChunkStore
import FileIO
import Inspection
import SystemPackage

struct Repair: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring damaged and missing content back from another repository.",
    usage: "varve repair --from <directory> [--dry-run] [<options>]",
    discussion: """
      Looks for every chunk and every map node that some revision needs and that is in the quarantine \
      or in no pack, reads it from the other repository, checks its id, and stores it in a new pack. \
      Then the revisions concerned are verified, and the repository is inspected and mended as by \
      'varve check-repository --fix', which moves damaged packs to quarantine/packs: after exit status 0, \
      'varve verify --all' finds no damage. What is damaged must be known: run 'varve verify --all' before.

      The other repository is a copy of this one, or both are not encrypted and have chunks of one size. \
      It needs no passphrase of its own. It is only read.

        varve verify --all
        varve repair --from /srv/offsite/varve --dry-run
        varve repair --from /srv/offsite/varve
      """)

  @Option(
    help: ArgumentHelp("The repository to bring content from.", valueName: "directory"),
    completion: .directory)
  var from: String

  @Flag(help: "Store nothing, and say what would be brought.")
  var dryRun = false

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if from.isEmpty { throw ValidationError("--from wants a directory, found ''.") }
  }

  mutating func run() throws {
    let repository = try repository.open()
    let other = try Repository.open(
      at: FilePath(escaped: from), environment: RepositoryEnvironment(), sharing: repository.keys)
    if try other.isSamePlace(as: repository) {
      throw Failure("\(from) is the repository that is to be repaired; give another with --from")
    }
    let progress = WorkProgress()
    let repair = Inspection.Repair(
      repository: repository, from: other, isDryRun: dryRun,
      environment: RepositoryEnvironment(), progress: progress,
      cancellation: Interruption.shared.flag)
    let report = try ProgressDisplay.showing({ progress.reading(of: "revisions") }) {
      try repair.run()
    }
    try json.print(report.json, orLines: report.lines)
    Console.shared.message(report.summary)
    if !report.isComplete { throw ReportedFailure() }
  }
}
