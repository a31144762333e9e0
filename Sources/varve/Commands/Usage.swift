import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import GarbageCollection

struct Usage: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what uses the space of the repository.",
    discussion: """
      Without a job, prints a line for each job: the space that only its revisions need \
      ('UNIQUE'), and the size and data of its newest revision. Then lists the space used by \
      content shared between jobs, by forgotten revisions that are still being read, and by \
      chunks needed only as delta bases; the space saved by compression and deltas; the \
      garbage; and how much more garbage pruning by the stored policies would create. With a \
      job, prints a line for each of its revisions: the space that would become garbage if only \
      that revision were forgotten.

      'varve gc' frees garbage pack by pack, and leaves packs with less than 30 % garbage.

        varve usage
        varve usage web01
        varve usage --json
      """)

  @Argument(help: "A job. Default: all.", transform: NameArgument.job)
  var job: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let request = UsageRequest(job: job)
    let progress = ProgressBoard()
    let outcome = try ProgressDisplay.showing({ progress.reading(of: "packs") }) {
      try request.run(on: repository, context: .ofProgram(showing: progress))
    }
    outcome.notices.warn()
    try print(outcome)
    for (id, message) in outcome.usage.unreadable {
      Console.shared.message("revision \(id) is not counted: \(message)")
    }
    if !outcome.usage.unreadable.isEmpty { throw ReportedFailure() }
  }

  private func print(_ outcome: UsageOutcome) throws {
    let output = StandardOutput()
    if json.isWanted { return try output.document(outcome.json) }
    if let job = outcome.job { return try output.table(job.table) }
    let usage = outcome.usage
    if !usage.jobs.isEmpty { try output.table(usage.table) }
    if usage.jobs.isEmpty, usage.unreadable.isEmpty { Console.shared.message("no revisions") }
    for line in usage.lines { try output.line(line) }
    try output.flush()
  }
}
