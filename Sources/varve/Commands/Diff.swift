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
      names. If /VOLUME is given on either side, only that volume is compared; the other side \
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
    let repository = try repository.open()
    let listing = try repository.revisionsWithWarnings()
    let (from, to) = (try listing.revision(old), try listing.revision(new))
    let pairs = try volumePairs(from.revision, to.revision)
    let output = StandardOutput()
    if json.isWanted {
      try printJSON(pairs, from, to, repository, output)
    } else {
      try printLines(pairs, repository, output)
    }
  }

  typealias Pair = (old: RevisionVolume, new: RevisionVolume)

  private func volumePairs(_ from: Revision, _ to: Revision) throws -> [Pair] {
    if old.volume != nil || new.volume != nil {
      let left = try old.volume(of: from, named: old.volume ?? new.volume)
      let right = try new.volume(of: to, named: new.volume ?? old.volume)
      return [(left, right)]
    }
    if from.volumes.count == 1, to.volumes.count == 1 { return [(from.volumes[0], to.volumes[0])] }
    let pairs = from.volumes.compactMap { volume in
      to.volume(named: volume.name).map { (volume, $0) }
    }
    guard !pairs.isEmpty else { throw noCommonVolume(from, to) }
    warnOfUnpaired(from, to)
    return pairs
  }

  private func noCommonVolume(_ from: Revision, _ to: Revision) -> Failure {
    let (left, right) = (from.volumes.map(\.name), to.volumes.map(\.name))
    return Failure(
      .invalidRequest,
      "nothing to compare: \(old.text) has the volumes \(left.joined(separator: ", ")), \(new.text) "
        + "has \(right.joined(separator: ", ")); name one on each side, such as "
        + "\(old.text)/\(left[0]) \(new.text)/\(right[0])")
  }

  /// Volumes that had no part in the comparison of whole revisions.
  private func unpaired(in entry: RevisionEntry, _ compared: [RevisionVolume]) -> [String] {
    if old.volume != nil || new.volume != nil { return [] }
    return entry.revision.volumes.map(\.name).filter { name in
      !compared.contains { $0.name == name }
    }
  }

  private func warnOfUnpaired(_ from: Revision, _ to: Revision) {
    for volume in from.volumes where to.volume(named: volume.name) == nil {
      Console.shared.warning("\(new.text) has no volume '\(volume.name)', which \(old.text) has")
    }
    for volume in to.volumes where from.volume(named: volume.name) == nil {
      Console.shared.warning("\(old.text) has no volume '\(volume.name)', which \(new.text) has")
    }
  }

  private struct Totals {
    var stretches = 0
    var changedBytes: UInt64 = 0
    var clearedBytes: UInt64 = 0

    mutating func add(_ extent: ChangedExtent) {
      stretches += 1
      if extent.isHole {
        clearedBytes += extent.lengthBytes
      } else {
        changedBytes += extent.lengthBytes
      }
    }
  }

  private func printLines(
    _ pairs: [Pair], _ repository: Repository, _ output: StandardOutput
  ) throws {
    var totals = Totals()
    for pair in pairs {
      try repository.forEachDifference(from: pair.old, to: pair.new) { extent in
        try Interruption.shared.flag.check()
        totals.add(extent)
        let kind = extent.isHole ? "hole" : "data"
        try output.line("\(pair.new.name) \(extent.offsetBytes) \(extent.lengthBytes) \(kind)")
      }
    }
    try output.flush()
    let resized = pairs.compactMap { ResizedVolume(from: $0.old, to: $0.new) }
    for volume in resized { Console.shared.message(volume.text) }
    Console.shared.message(
      totals.stretches == 0
        ? (resized.isEmpty ? "no difference" : "no other difference")
        : "\(Quantities.count(totals.stretches, "stretch", plural: "stretches")): "
          + "\(Quantities.bytes(totals.changedBytes)) have other data, "
          + "\(Quantities.bytes(totals.clearedBytes)) became holes")
  }

  private func printJSON(
    _ pairs: [Pair], _ from: RevisionEntry, _ to: RevisionEntry, _ repository: Repository,
    _ output: StandardOutput
  ) throws {
    var totals = Totals()
    var document = StreamedDocument(output)
    try document.member("from", .string(from.id.description))
    try document.member("to", .string(to.id.description))
    try document.array("changes") { add in
      for pair in pairs {
        try repository.forEachDifference(from: pair.old, to: pair.new) { extent in
          try Interruption.shared.flag.check()
          totals.add(extent)
          try add(json(of: extent, in: pair.new))
        }
      }
    }
    try document.member(
      "resized", .array(pairs.compactMap { ResizedVolume(from: $0.old, to: $0.new)?.json }))
    try document.member("volumesOnlyInFrom", .strings(unpaired(in: from, pairs.map(\.old))))
    try document.member("volumesOnlyInTo", .strings(unpaired(in: to, pairs.map(\.new))))
    try document.member("changedBytes", .unsigned(totals.changedBytes))
    try document.member("clearedBytes", .unsigned(totals.clearedBytes))
    try document.end()
  }

  private func json(of extent: ChangedExtent, in volume: RevisionVolume) -> JSON {
    .object([
      "volume": .string(volume.name), "offsetBytes": .unsigned(extent.offsetBytes),
      "lengthBytes": .unsigned(extent.lengthBytes),
      "kind": .string(extent.isHole ? "hole" : "data"),
    ])
  }
}
