import Administration
import ArgumentParser
import ChunkStore
import Inspection

struct CheckRepository: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check all files of a repository, and repair what can be repaired safely.",
    usage: "varve check-repository [--fix] [--packs <depth>] [<options>]",
    discussion: """
      Checks keys, packs, revisions, marks, sessions, the quarantine and all other files; the index; \
      and the maps of all revisions. Every map node is read, and every chunk must have an intact \
      copy. Each pack is hashed and compared with its name. For lost content, the revision, volume \
      and bytes are named.

      With --fix, missing directories are created; leftover files and unreadable lists of \
      condemned packs are removed; a wrong index is replaced; misnamed packs get the right name; \
      damaged copies go to the quarantine; and intact records of a damaged pack are stored \
      again. The damaged pack is moved to quarantine/packs once nothing in it is needed; you may \
      delete it there. Nothing that is still needed is touched.

      It does not read every chunk: 'varve verify --all' does. The exit status is 0 if there is no \
      damage, or none left after --fix, otherwise 1.

        varve check-repository
        varve check-repository --packs quick
        varve check-repository --fix --json
      """)

  @Flag(help: "Repair what can be repaired safely.")
  var fix = false

  @Option(
    help: ArgumentHelp(
      "How to check packs: 'full' reads and hashes them, 'quick' reads header and footer.",
      valueName: "depth"))
  var packs: RepositoryInspection.PackDepth = .full

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let progress = ProgressBoard()
    let request = InspectionRequest(depth: packs, mends: fix)
    let outcome = try ProgressDisplay.showing({ progress.reading(of: "the repository") }) {
      try request.run(on: repository, context: .ofProgram(showing: progress))
    }
    let report = outcome.report
    try json.print(outcome.json(.commandLine), orLines: report.lines)
    Console.shared.message(report.summary)
    if !report.isClean { throw ReportedFailure() }
  }
}

extension RepositoryInspection.PackDepth: ExpressibleByArgument {}
