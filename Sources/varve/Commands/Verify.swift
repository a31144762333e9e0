import Administration
import ArgumentParser
import BackupEngine
import ChunkFormat
import ChunkStore
import Inspection
import Workers

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read revisions back and check every chunk, or a sample.",
    usage:
      "varve verify (<revision> ... | --job <job> | --all | --sample <percentage>) [<options>]",
    discussion: """
      Reads maps and chunks from the packs and computes their ids again. A revision that was read in \
      full without damage becomes 'verified', one with damage 'distrusted'. The result says how much \
      was read, and names revision, volume, offset and pack of all damage; the exit status is then \
      1. Damaged copies are added to the quarantine: the next backup of any job that finds the same \
      content stores it again.

      The name of a job alone means its newest revision, as in other commands; --job verifies all \
      revisions of a job.

      With --all, every pack is also hashed and compared with its name.

        varve verify web01@latest
        varve verify web01 db01 --sample 5%
        varve verify --job web01
        varve verify --all
        varve verify --sample 5%       5 % of the chunks of all revisions
      """)

  @Argument(
    help: "Revisions such as web01@latest; required unless --job, --all or --sample is given.",
    transform: NameArgument.revision)
  var revisions: [RevisionReference] = []

  @Option(
    name: .customLong("job"),
    help: ArgumentHelp("All revisions of this job; can be repeated.", valueName: "job"),
    transform: NameArgument.job)
  var jobs: [String] = []

  @Flag(help: "All revisions. Shared content is read once.")
  var all = false

  @Option(
    help: ArgumentHelp(
      "Read this share of the chunks, chosen at random, above 0% and up to 100%.",
      valueName: "percentage"),
    transform: Percentage.reading)
  var sample: Percentage?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if all, !revisions.isEmpty || !jobs.isEmpty {
      throw ValidationError("--all cannot be combined with revisions or --job.")
    }
    if !all, sample == nil, revisions.isEmpty, jobs.isEmpty {
      throw ValidationError("Name the revisions to verify, or use --job, --all or --sample 5%.")
    }
    try NameArgument.checkWhole(revisions)
  }

  mutating func run() throws {
    let request = VerificationRequest(
      revisions: revisions, jobs: jobs, samplePercent: sample?.percent)
    let prepared = try request.prepare(on: repository.open())
    let progress = ProgressBoard()
    let entries = prepared.entries
    let subject = entries.count == 1 ? entries[0].revision.job : "revisions"
    let outcome = try ProgressDisplay.showing({
      progress.reading { $0 == .checkingPacks ? "the repository" : subject }
    }) {
      try prepared.run(context: .ofProgram(showing: progress))
    }
    try print(outcome)
    let released = try outcome.released.get()
    if released > 0 {
      Console.shared.message(
        "\(Quantities.count(released, "copy", plural: "copies")) removed from the quarantine: readable "
          + "again, or gone with an intact copy elsewhere")
    }
    Console.shared.message(
      outcome.report.summaryOfRevisions(
        and: outcome.unreadable.count, outcome.damagedPacks.count))
    if !outcome.isClean { throw ReportedFailure() }
  }

  private func print(_ outcome: VerificationOutcome) throws {
    let (report, packs) = (outcome.report, outcome.damagedPacks)
    for (id, error) in outcome.unreadable {
      Console.shared.message("damaged: revision \(id) cannot be read: \(error.textWithRemedies)")
    }
    for (id, error) in report.unmarkable {
      Console.shared.message(
        "damaged: cannot record the result for revision \(id): "
          + error.textWithRemedies)
    }
    if let error = report.notNoted {
      Console.shared.warning(
        "the result was not recorded in the repository: "
          + error.textWithRemedies)
    }
    try json.print(outcome.json, orLines: report.damageLines)
    for pack in packs {
      Console.shared.message(
        "damaged: pack \(pack.file.id): \(pack.problems.joined(separator: "; "))")
    }
    if !packs.isEmpty {
      Console.shared.message(
        "run 'varve check-repository --fix' to save the intact records of damaged packs; packs no longer "
          + "needed are moved to the quarantine")
    }
    if report.quarantined > 0 {
      Console.shared.message(
        "\(Quantities.count(report.quarantined, "damaged copy", plural: "damaged copies")) added to "
          + "the quarantine")
    }
    if report.forgotten > 0 {
      Console.shared.message(
        "\(Quantities.count(report.forgotten, "revision")) forgotten during the verification")
    }
  }
}
