import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore

struct Prune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Delete revisions not kept by any rule.",
    usage: "varve prune [<job> ...] [--keep-... <n>] [<options>]",
    discussion: """
      A revision is kept if any rule keeps it. The rules come from the options; otherwise from the \
      job's policy; otherwise from the repository's default ('varve policy'). The command first \
      prints, for every revision, why it is kept or that it is deleted. --dry-run prints this list \
      and changes nothing. 'varve gc' frees the space.

        varve prune --dry-run --keep-daily 7 --keep-weekly 5 --keep-monthly 12
        varve prune web01 --keep-within 30d --keep-yearly 10 --time-zone Europe/Berlin
        varve prune --keep-schedule daily=1d:9 --keep-schedule weekly=7d:5
        varve prune

      Whatever the rules, these are kept: the newest usable revision of a job (neither \
      distrusted nor unusual); protected revisions ('varve protect'); revisions with an overlay \
      ('varve pin'); revisions that are being read; revisions with a time in the future; and a \
      revision made with a clock that was behind, as long as its parent is kept. Distrusted and \
      unusual revisions are not counted, and never take the place of a usable one. Hours, days, \
      weeks, months and years without a revision are not counted either.

      Nothing is deleted while a revision cannot be read. --yes is required if more than five \
      revisions of a job, and more than half of its revisions, would be deleted, or if a rule \
      names a tag that no revision has.

      A machine that no longer exists leaves its last revisions behind, since the newest usable one \
      is never pruned. --orphaned-after lists such jobs first. They are pruned like all others; \
      --forget-orphaned deletes all their revisions, except those that are protected or in use, and \
      requires --yes, too.

        varve prune --orphaned-after 90d --dry-run
        varve prune --orphaned-after 90d --forget-orphaned --yes
      """)

  @Argument(help: "Only these jobs. Default: all.", transform: NameArgument.job)
  var jobs: [String] = []

  @OptionGroup(title: "Rules") var retention: RetentionOptions

  @Option(
    help: ArgumentHelp(
      "List the jobs whose newest revision is older than this, such as 90d.", valueName: "age"),
    transform: RetentionArgument.span)
  var orphanedAfter: CalendarSpan?

  @Flag(help: "Delete the revisions of the jobs that --orphaned-after lists.")
  var forgetOrphaned = false

  @Flag(help: "Show what would be deleted, but delete nothing.")
  var dryRun = false

  @Flag(
    help: """
      Delete even if that is more than half of a job's revisions, or if a rule names a tag that no \
      revision has.
      """)
  var yes = false

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if forgetOrphaned, orphanedAfter == nil {
      throw ValidationError(
        "--forget-orphaned needs --orphaned-after, such as --orphaned-after 90d.")
    }
  }

  mutating func run() throws {
    var request = PruneRequest()
    request.jobs = jobs
    request.policy = retention.policy
    request.timeZone = retention.timeZone
    request.orphanedAfter = orphanedAfter
    request.forgetsOrphaned = forgetOrphaned
    request.isDryRun = dryRun
    request.isConfirmed = yes
    let outcome = try request.run(on: repository.open(), context: .ofProgram()) { try report($0) }
    Console.shared.message(outcome.summary)
    let survey = outcome.survey
    if !survey.unreadable.isEmpty || !dryRun && !outcome.isCarriedOut { throw ReportedFailure() }
  }

  /// Before anything goes.
  private func report(_ outcome: PruneOutcome) throws {
    try StandardOutput.checkThatItIsOpen()
    let (output, survey) = (StandardOutput(), outcome.survey)
    if json.isWanted {
      try output.document(outcome.json)
    } else {
      try survey.print(to: output)
    }
    for oddity in survey.oddities { Console.shared.warning(oddity.text) }
    for (id, error) in survey.unreadable {
      Console.shared.message("revision \(id) cannot be read: \(error.textWithRemedies)")
    }
    if !survey.withoutPolicy.isEmpty {
      Console.shared.message(
        "not pruned (no policy): \(survey.withoutPolicy.joined(separator: ", "))")
    }
  }
}
