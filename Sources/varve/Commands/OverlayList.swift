import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import Overlays

struct OverlayList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the overlays of a repository, with the revision of each.",
    usage: "varve overlay list [<options>]",
    aliases: ["ls"])

  @OptionGroup var json: JSONOption
  @OptionGroup var location: OverlayLocation
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let list = try OverlayListRequest().run(
      on: repository, overlays: location.store(of: repository))
    list.notices.warn()
    let output = StandardOutput()
    if json.isWanted {
      try output.document(list.json)
    } else if !list.overlays.isEmpty {
      try output.table(table(of: list.overlays))
    }
    if list.overlays.isEmpty { Console.shared.message("no overlays") }
    try reportUnreadable(list.overlays.map(\.listing))
  }

  private func table(of rows: [ListedOverlay]) -> Table {
    var table = Table([
      .text("NAME"), .text("JOB"), .left("REVISION"), .left("OF"), .right("SIZE"), .right("STORED"),
      .left("CREATED"), .text("STATE"),
    ])
    for row in rows { table.add(row.cells) }
    return table
  }

  private func reportUnreadable(_ listings: [OverlayStore.Listing]) throws {
    var isComplete = true
    for listing in listings {
      do {
        _ = try listing.description.get()
      } catch {
        isComplete = false
        Console.shared.message(
          "overlay '\(listing.name)' cannot be read: \(error.textWithRemedies)")
      }
    }
    if !isComplete { throw ReportedFailure() }
  }
}

extension ListedOverlay {
  fileprivate var cells: [Cell] {
    [
      Cell(listing.name),
      Cell(job ?? ""),
      Cell(overlay?.revision.short ?? ""),
      Cell(entry.map { TimeZone.shown.text(of: $0.revision.created) } ?? ""),
      Cell(overlay.map { Quantities.bytes($0.sizeBytes) } ?? ""),
      Cell(Quantities.bytes(listing.allocatedBytes)),
      Cell(overlay.map { TimeZone.shown.text(of: $0.created) } ?? ""),
      state,
    ]
  }

  private var state: Cell {
    if overlay == nil { return Cell("unreadable", .bad) }
    if isDamaged { return Cell("its revision cannot be read", .bad) }
    if entry == nil {
      return isKept
        ? Cell("its revision is forgotten, but kept by the pin")
        : Cell("its revision is gone", .bad)
    }
    let states = (listing.isInUse ? ["in use"] : []) + (pin == nil ? ["not pinned"] : [])
    return Cell(states.joined(separator: ", "), pin == nil ? .bad : nil)
  }
}
