import ArgumentParser
import ChunkFormat
import ChunkStore
import Retention

struct Prune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forget revisions that no rule keeps.",
    usage: "varve prune [<job> ...] [--keep-... <n>] [<options>]",
    discussion: """
      A revision stays if any rule keeps it. The rules are those of the options; without them, those \
      of the job's policy, else of the repository's default ('varve policy'). For every revision the \
      reasons why it stays are printed, or that it goes, before any goes; --dry-run prints them and \
      changes nothing. The space of what is forgotten is freed by 'varve gc'.

        varve prune --dry-run --keep-daily 7 --keep-weekly 5 --keep-monthly 12
        varve prune web01 --keep-within 30d --keep-yearly 10 --time-zone Europe/Berlin
        varve prune --keep-schedule daily=1d:9 --keep-schedule weekly=7d:5
        varve prune

      Whatever the rules, these stay: the newest revision of a job that is not distrusted; what is \
      protected ('varve protect'); what an overlay lies on ('varve pin'); what somebody reads now; what has a time in the future; and what \
      was made with a clock that had been set back, as long as the revision that it was made from \
      stays. A distrusted revision never takes the place of a good one, and is not counted. Hours, \
      days, weeks, months and years without a revision are not counted either.

      Nothing is forgotten at all while a revision cannot be read; and not without --yes where more \
      than five revisions of a job would go that are more than half of it, or where a rule names a tag \
      that no revision has.

      A machine that no longer exists leaves its last revisions behind, since the newest is never \
      pruned. --orphaned-after lists such jobs first. They are pruned like all others; \
      --forget-orphaned forgets them, but for what is protected or in use, and wants --yes, too.

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

  @Flag(help: "Forget the jobs that --orphaned-after lists.")
  var forgetOrphaned = false

  @Flag(help: "Show what would be forgotten, and forget nothing.")
  var dryRun = false

  @Flag(
    help: "Forget also an unusually large part of a job, and though no revision has a rule's tag.")
  var yes = false

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if forgetOrphaned, orphanedAfter == nil {
      throw ValidationError("--forget-orphaned wants --orphaned-after, such as 90d.")
    }
  }

  mutating func run() throws {
    let repository = try repository.open()
    let request = PruneRequest(
      jobs: jobs, options: retention, orphanedAfter: orphanedAfter, forgetsOrphaned: forgetOrphaned)
    let now = RepositoryEnvironment.systemClock()
    let look = { (listing: RevisionListing) throws -> PruneSurvey in
      try PruneSurvey(
        listing, request,
        // Not read where they say nothing: they may be damaged.
        policies: request.options.policy == nil
          ? try repository.retentionPolicies() : RetentionPolicies(),
        users: try repository.revisionUsers(), now: now)
    }
    let survey = try look(try repository.revisions())
    try report(survey)
    let isAllowed = isAllowed(survey)
    if !dryRun, isAllowed { try forget(survey.going, look, in: repository) }
    Console.shared.message(summary(of: survey))
    if !survey.unreadable.isEmpty || !dryRun && !isAllowed { throw ReportedFailure() }
  }

  /// Forgets what was printed, unless that is no longer what would go: nobody protects or distrusts
  /// anything while it is looked at once more.
  private func forget(
    _ going: [RevisionEntry], _ look: (RevisionListing) throws -> PruneSurvey,
    in repository: Repository
  ) throws {
    try repository.forget { listing in
      let present = Set(listing.entries.map(\.id))
      let agreed = Set(try look(listing).going.map(\.id))
      let left = going.filter { present.contains($0.id) }
      if let kept = left.first(where: { !agreed.contains($0.id) }) {
        throw Failure(
          "nothing was forgotten: what is said of \(kept.oneLine), or who reads it, changed meanwhile; "
            + "run it again")
      }
      return left.map(\.id)
    }
  }

  private func isAllowed(_ survey: PruneSurvey) -> Bool {
    survey.unreadable.isEmpty && (yes || survey.doubts.isEmpty)
  }

  /// Before anything goes: who cannot be told of it shall not lose it.
  private func report(_ survey: PruneSurvey) throws {
    let output = StandardOutput()
    if json.isWanted {
      let forgotten = !dryRun && isAllowed(survey) ? survey.going.count : 0
      try output.document(survey.json(isDryRun: dryRun, forgotten: forgotten))
    } else {
      try survey.print(to: output)
    }
    for warning in survey.warnings { Console.shared.warning(warning) }
    for (id, error) in survey.unreadable {
      Console.shared.message("revision \(id) cannot be read: \(error)")
    }
    if !survey.withoutPolicy.isEmpty {
      Console.shared.message(
        "left alone, having no policy: \(survey.withoutPolicy.joined(separator: ", "))")
    }
  }

  private func summary(of survey: PruneSurvey) -> String {
    let (going, count) = (survey.going.count, survey.count)
    let share = "\(going) of \(Quantities.count(count, "revision"))"
    if !survey.unreadable.isEmpty {
      return """
        nothing is forgotten while a revision cannot be read, since nobody knows whose it is: put its \
        file back from a copy, or give it up with 'varve forget ID --yes'
        """
    }
    if !yes, !survey.doubts.isEmpty {
      let doubts = survey.doubts.joined(separator: "; ")
      return dryRun
        ? "would forget \(share), but only with --yes: \(doubts)"
        : "nothing is forgotten: \(doubts); look at it with --dry-run, and add --yes if it is meant"
    }
    if going == 0 { return "nothing to forget: \(Quantities.count(count, "revision")) looked at" }
    return dryRun
      ? "would forget \(share)" : "forgot \(share); space is freed by 'varve gc'"
  }
}
