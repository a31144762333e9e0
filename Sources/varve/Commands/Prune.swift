import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import Retention

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

  @Flag(help: "Show what would be deleted, and delete nothing.")
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
      throw ValidationError("--forget-orphaned wants --orphaned-after, such as 90d.")
    }
  }

  mutating func run() throws {
    let repository = try repository.open()
    let request = PruneRequest(
      jobs: jobs, options: retention, orphanedAfter: orphanedAfter, forgetsOrphaned: forgetOrphaned)
    let now = Timestamp.now()
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
