import Administration
import ArgumentParser
import ChunkStore

struct RenameJob: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rename-job",
    abstract: "Rename a job; its history, policy and deltas stay.",
    usage: "varve rename-job <job> <new-name> [<options>]",
    discussion: """
      The new name gets all revisions of the job, with their ids, tags and protection, and its \
      policy. The next backup under the new name continues the history, with the newest revision as \
      its parent. Change the scripts that run the backups: a backup under the old name starts a new \
      job.

        varve rename-job web01 web02

      The command is refused if a job with the new name exists, if a backup of either job is \
      running, or if a revision cannot be read. Running servers and overlays continue: clients \
      keep what they have open, and find the revisions under the new name when they connect \
      again. If a run was interrupted, run the same command again.
      """)

  @Argument(help: ArgumentHelp("The job.", valueName: "job"), transform: NameArgument.job)
  var old: String

  @Argument(help: ArgumentHelp("Its new name.", valueName: "new-name"), transform: NameArgument.job)
  var new: String

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if old == new { throw ValidationError("The job is already named '\(old)'.") }
  }

  mutating func run() throws {
    let outcome = try JobRenamingRequest(old, to: new).run(on: repository.open())
    if json.isWanted { try StandardOutput().document(outcome.json) }
    let renamed = outcome.renamed
    if renamed.isContinued { Console.shared.message("finished an interrupted renaming") }
    Console.shared.message(
      "renamed the job \(old) to \(new): \(Quantities.count(renamed.revisions, "revision"))"
        + (renamed.hasPolicy ? ", and its policy" : ""))
  }
}
