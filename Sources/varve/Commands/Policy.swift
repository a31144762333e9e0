import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore

struct Policy: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Store in the repository how long revisions are kept.",
    discussion: """
      A policy is a set of rules, with the same options as 'varve prune', which uses the policy of a \
      job, or the default if the job has none. Storing a policy deletes nothing.

        varve policy set --keep-daily 7 --keep-weekly 5 --keep-monthly 12
        varve policy set web01 --keep-within 30d --time-zone Europe/Berlin
        varve policy show
        varve policy remove web01
      """,
    subcommands: [PolicySet.self, PolicyShow.self, PolicyRemove.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}

struct PolicySet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Store the policy of a job, or the default.",
    usage: "varve policy set [<job>] --keep-... <n> [<options>]",
    discussion: """
      Replaces the existing policy. The job need not have revisions yet, but varve warns about a job \
      or a tag that no revision has, as it may be mistyped. 'varve prune --dry-run' shows the \
      effect. If the stored policies are damaged, only the new one remains.

        varve policy set --keep-daily 7 --keep-weekly 5
        varve policy set db01 --keep-schedule daily=1d:9 --keep-schedule weekly=7d:5
      """)

  @Argument(
    help: "The job. Without one, the default policy is set.", transform: NameArgument.job)
  var job: String?

  @OptionGroup(title: "Rules") var retention: RetentionOptions
  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if retention.policy == nil {
      throw ValidationError(
        "A policy without rules keeps nothing; use --keep-daily 7 or another rule.")
    }
  }

  mutating func run() throws {
    guard let policy = retention.policy else { return }
    let outcome = try PolicyStoringRequest(policy, for: job).run(on: repository.open())
    if let damage = outcome.replaced { Console.shared.warning(damage.textWithRemedies) }
    if json.isWanted { try StandardOutput().document(outcome.json(options: \.options)) }
    Console.shared.message("\(job ?? "default"): \(policy.options)")
    let doubts = try outcome.doubts.get()
    doubts.warnOfJob()
    for tag in doubts.unknownTags {
      Console.shared.warning(
        "no revision has the tag '\(tag)' yet; until one has, 'varve prune' asks for --yes")
    }
  }
}

struct PolicyShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show the policies, or the one that applies to a job.",
    usage: "varve policy show [<job>] [<options>]",
    discussion: """
        varve policy show
        varve policy show web01 --json
      """)

  @Argument(
    help: "The job; if it has no policy, the default is shown.", transform: NameArgument.job)
  var job: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    guard let job else { return try print(PolicyListRequest().run(on: repository)) }
    let outcome = try PolicyRequest(job: job).run(on: repository)
    try json.print(
      outcome.json(options: \.options), orLines: [outcome.policy.policy.options])
    try outcome.doubts.get().warnOfJob()
  }

  private func print(_ list: PolicyListOutcome) throws {
    let output = StandardOutput()
    if json.isWanted {
      try output.document(list.json(options: \.options))
    } else if !list.policies.isEmpty {
      var table = Table([.text("JOB"), .text("POLICY")])
      for stored in list.policies {
        table.add([Cell(stored.job ?? "(default)"), Cell(stored.policy.options)])
      }
      try output.table(table)
    }
    if list.policies.isEmpty {
      Console.shared.message("no policies are stored; 'varve policy set' stores one")
    }
  }
}

struct PolicyRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove the policy of a job, or the default.",
    usage: "varve policy remove [<job>] [<options>]",
    discussion: """
      Afterwards the default applies to the job; without a default, 'varve prune' ignores the job.

        varve policy remove web01
      """)

  @Argument(help: "The job. Without one, the default is removed.", transform: NameArgument.job)
  var job: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let removed = try PolicyRemovalRequest(job: job).run(on: repository.open())
    if json.isWanted { try StandardOutput().document(removed.json(options: \.options)) }
    Console.shared.message(
      job.map { "removed the policy of \($0)" } ?? "removed the default policy")
  }
}

extension PolicyDoubts {
  /// A policy may come before the first revision, or the job's name be mistyped.
  fileprivate func warnOfJob() {
    notices.warn()
    if let unknownJob { Console.shared.warning(unknownJob.textWithRemedies) }
  }
}
