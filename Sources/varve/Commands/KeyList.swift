import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore

struct KeyList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the passphrases and key files that open the repository.",
    usage: "varve key list [<options>]",
    discussion: """
      The key that opened the repository for this command is marked. Labels are readable only with \
      that passphrase or key file.
      """,
    aliases: ["ls"])

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let list = try KeyListRequest().run(on: repository.open())
    let slots = list.slots
    let output = StandardOutput()
    if slots.isEmpty { Console.shared.message("no keys: the repository is not encrypted") }
    if json.isWanted { return try output.document(list.json) }
    var table = Table([
      .left("ID"), .left("KIND"), .left("ADDED"), .left("USED NOW"), .text("LABEL"),
    ])
    for slot in slots {
      table.add([
        Cell(slot.id.short), Cell(slot.method?.description ?? "unusable"),
        Cell(slot.created.map(TimeZone.shown.text) ?? ""), Cell(slot.isCurrent ? "yes" : ""),
        Cell(slot.label ?? ""),
      ])
    }
    if !slots.isEmpty { try output.table(table) }
    for problem in slots.compactMap(\.problem) { Console.shared.warning(problem) }
  }
}
