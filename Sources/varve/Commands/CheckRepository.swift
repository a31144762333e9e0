import ArgumentParser
import BackupEngine
import ChunkStore
import Inspection

struct CheckRepository: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Inspect everything in a repository, and mend what can be mended without a risk.",
    usage: "varve check-repository [--fix] [--packs <depth>] [<options>]",
    discussion: """
      Looks at keys, packs, revisions, marks, sessions, the quarantine and what else lies there; at the \
      index, and at the maps of all revisions: every node is read, and every chunk must have an intact \
      copy. Each pack is hashed and compared with its name. What is lost is named down to revision, \
      volume and bytes.

      With --fix, directories that are missing are made, leftovers and condemnations that cannot be \
      read are removed, the index is made anew where it is wrong, packs get back the names that their \
      content has, damaged copies go to the quarantine, and what is intact in a damaged pack is stored \
      again. The damaged pack is moved to quarantine/packs once nothing in it is needed; delete it there \
      when you like. Nothing that is still needed is touched.

      It does not read every chunk: 'varve verify --all' does. The exit status is 0 where there is no \
      damage, or none is left, else 1.

        varve check-repository
        varve check-repository --packs quick
        varve check-repository --fix --json
      """)

  @Flag(help: "Mend what can be mended without a risk.")
  var fix = false

  @Option(
    help: ArgumentHelp(
      "How packs are looked at: 'full' reads and hashes them, 'quick' reads header and footer.",
      valueName: "depth"))
  var packs: RepositoryInspection.PackDepth = .full

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let progress = WorkProgress()
    let inspection = RepositoryInspection(
      repository: repository, depth: packs, mends: fix, environment: RepositoryEnvironment(),
      progress: progress, cancellation: Interruption.shared.flag)
    let report = try ProgressDisplay.showing({ progress.reading(of: "the repository") }) {
      try inspection.run()
    }
    try json.print(report.json, orLines: report.lines)
    Console.shared.message(report.summary)
    if !report.isClean { throw ReportedFailure() }
  }
}

extension RepositoryInspection.PackDepth: ExpressibleByArgument {}
