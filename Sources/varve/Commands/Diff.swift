import Administration
import ArgumentParser
import BackupEngine
import ChunkFormat
import ChunkStore
import JSONText
import Workers

struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the ranges in which two revisions differ.",
    usage: "varve diff <older revision> <newer revision> [<options>]",
    discussion: """
      Prints one line for each range: volume, offset and length in bytes, and whether the newer \
      revision has data or a hole there. Ranges are whole chunks. The time depends on the \
      difference, not on the size of the disks.

        varve diff web01@1 web01@0
        varve diff db01@2026-11-01/vdb db01@latest/vdb
        varve diff web01@first web01@latest --json | jq .changedBytes

      Volumes are matched by name. Two revisions with one volume each are compared whatever the \
      names. If /VOLUME is given on one side, only that volume is compared; the other side \
      may omit it. Revisions without a common volume cannot be compared. A volume whose size \
      differs is reported on standard error, and in the JSON as 'resized': an added part that \
      reads as zeros is not listed as a range.
      """)

  @Argument(help: "The older revision, such as web01@1.", transform: NameArgument.revision)
  var old: RevisionReference

  @Argument(help: "The newer revision, such as web01@0.", transform: NameArgument.revision)
  var new: RevisionReference

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let comparison = try DifferenceRequest(from: old, to: new).prepare(on: repository.open())
    comparison.notices.warn()
    for volume in comparison.onlyInFrom {
      Console.shared.warning("\(new.text) has no volume '\(volume)', which \(old.text) has")
    }
    for volume in comparison.onlyInTo {
      Console.shared.warning("\(old.text) has no volume '\(volume)', which \(new.text) has")
    }
    let output = StandardOutput()
    guard json.isWanted else { return try print(comparison, to: output) }
    try comparison.document { part in
      try Interruption.shared.flag.check()
      try output.write(part)
    }
    try output.flush()
  }

  private func print(_ comparison: RevisionComparison, to output: StandardOutput) throws {
    let totals = try comparison.run { volume, extent in
      try Interruption.shared.flag.check()
      let kind = extent.isHole ? "hole" : "data"
      try output.line("\(volume.name) \(extent.offsetBytes) \(extent.lengthBytes) \(kind)")
    }
    try output.flush()
    let resized = comparison.resized
    for volume in resized { Console.shared.message(volume.text) }
    Console.shared.message(
      totals.ranges == 0
        ? (resized.isEmpty ? "no difference" : "no other difference")
        : "\(Quantities.count(totals.ranges, "range")): "
          + "\(Quantities.bytes(totals.changedBytes)) changed, "
          + "\(Quantities.bytes(totals.clearedBytes)) now holes")
  }
}
