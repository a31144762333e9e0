import ArgumentParser
import ChunkFormat
import ChunkStore
import JSONText

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
        "A policy without rules keeps nothing; give --keep-daily 7 or another rule.")
    }
  }

  mutating func run() throws {
    guard let policy = retention.policy else { return }
    let repository = try repository.open()
    try repository.updateRetentionPolicies(
      replacing: { Console.shared.warning("\($0)") }, { $0[job] = policy })
    if json.isWanted { try StandardOutput().document(policy.json(of: job, isDefault: job == nil)) }
    Console.shared.message("\(job ?? "default"): \(policy)")
    let listing = try repository.revisionsWithWarnings()
    if let job { warnOfUnknown(job: job, in: listing) }
    warnOfUnknownTags(of: policy, in: listing.entries)
  }

  private func warnOfUnknownTags(of policy: RetentionPolicy, in entries: [RevisionEntry]) {
    let known = Set(entries.flatMap(\.marks.tags))
    for tag in Set(policy.rules.compactMap(\.tag)).subtracting(known).sorted() {
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
    let policies = try repository.retentionPolicies()
    if let job {
      try show(job, policies)
      warnOfUnknown(job: job, in: try repository.revisionsWithWarnings())
    } else {
      try showAll(policies)
    }
  }

  private func show(_ job: String, _ policies: RetentionPolicies) throws {
    let own = policies[job]
    guard let policy = own ?? policies.standard else {
      throw Failure(
        .notFound, "there is no policy for '\(job)', nor a default; 'varve policy set' stores one")
    }
    let output = StandardOutput()
    if json.isWanted {
      try output.document(policy.json(of: job, isDefault: own == nil))
    } else {
      try output.line("\(policy)")
      try output.flush()
    }
  }

  private func showAll(_ policies: RetentionPolicies) throws {
    var rows = policies.standard.map { [(job: nil as String?, policy: $0)] } ?? []
    rows += policies.jobs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    let output = StandardOutput()
    if json.isWanted {
      try output.document(
        .array(rows.map { $0.policy.json(of: $0.job, isDefault: $0.job == nil) }))
    } else if !rows.isEmpty {
      var table = Table([.text("JOB"), .text("POLICY")])
      for row in rows { table.add([Cell(row.job ?? "(default)"), Cell("\(row.policy)")]) }
      try output.table(table)
    }
    if rows.isEmpty {
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
    var removed: RetentionPolicy?
    try repository.open().updateRetentionPolicies { policies in
      removed = policies[job]
      guard removed != nil else {
        throw Failure(
          .notFound,
          job.map { "'\($0)' has no policy of its own; 'varve policy show' lists those there are" }
            ?? "there is no default policy; 'varve policy show' lists those there are")
      }
      policies[job] = nil
    }
    if json.isWanted, let removed {
      try StandardOutput().document(removed.json(of: job, isDefault: job == nil))
    }
    Console.shared.message(
      job.map { "removed the policy of \($0)" } ?? "removed the default policy")
  }
}

/// A policy may come before the first revision, or the job's name be mistyped.
private func warnOfUnknown(job: String, in listing: RevisionListing) {
  do throws(ReferenceError) {
    _ = try listing.history(of: job)
  } catch {
    Console.shared.warning("\(error)")
  }
}

extension RetentionPolicy {
  /// The policy of a job, or of all that have none.
  fileprivate func json(of job: String?, isDefault: Bool) -> JSON {
    .object([
      "job": .optional(job), "isDefault": .bool(isDefault), "policy": json,
      "options": .string("\(self)"),
    ])
  }
}
