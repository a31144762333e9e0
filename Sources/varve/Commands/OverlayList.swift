import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText
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
    let listings = try location.store(of: repository).list()
    let revisions = try repository.revisionsWithWarnings()
    let (entries, unreadable) = (revisions.entries, Set(revisions.unreadable.map(\.id)))
    let pins = Set(try repository.pins().pins.map(\.name))
    let forgotten = Set(try repository.forgottenRevisions())
    let rows = listings.map { listing in
      let overlay = try? listing.description.get()
      return Row(
        listing: listing, overlay: overlay, entry: entries.first { $0.id == overlay?.revision },
        isForgotten: overlay.map { forgotten.contains($0.revision) } ?? false,
        isDamaged: overlay.map { unreadable.contains($0.revision) } ?? false,
        pin: overlay?.pin.flatMap { pins.contains($0) ? $0 : nil })
    }
    let output = StandardOutput()
    if json.isWanted {
      try output.document(.array(rows.map(\.json)))
    } else if !rows.isEmpty {
      try output.table(table(of: rows))
    }
    if rows.isEmpty { Console.shared.message("no overlays") }
    try reportUnreadable(listings)
  }

  private func table(of rows: [Row]) -> Table {
    var table = Table([
      .text("NAME"), .text("JOB"), .left("REVISION"), .left("OF"), .right("SIZE"), .right("TAKES"),
      .left("MADE"), .text("STATE"),
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
        Console.shared.message("overlay '\(listing.name)' cannot be read: \(error)")
      }
    }
    if !isComplete { throw ReportedFailure() }
  }
}

/// An overlay in the list.
private struct Row {
  let listing: OverlayStore.Listing
  /// Nil where it cannot be read.
  let overlay: OverlayDescription?
  /// Nil where the revision is gone, forgotten or unreadable.
  let entry: RevisionEntry?
  /// Whether the revision's file is there although it was forgotten.
  let isForgotten: Bool
  /// Whether the revision's file is there and cannot be read.
  let isDamaged: Bool
  /// Nil where none keeps the revision.
  let pin: PinName?

  /// What it is called now.
  private var job: String? { entry?.revision.job ?? overlay?.job }

  var cells: [Cell] {
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

  /// Whether the revision can be used although it was forgotten.
  private var isKept: Bool { isForgotten && pin != nil }

  private var state: Cell {
    if overlay == nil { return Cell("unreadable", .bad) }
    if isDamaged { return Cell("its revision cannot be read", .bad) }
    if entry == nil {
      return isKept
        ? Cell("its revision is forgotten, and kept by the pin")
        : Cell("its revision is gone", .bad)
    }
    let states = (listing.isInUse ? ["in use"] : []) + (pin == nil ? ["not pinned"] : [])
    return Cell(states.joined(separator: ", "), pin == nil ? .bad : nil)
  }

  var json: JSON {
    .object([
      "name": .string(listing.name),
      "job": .optional(job),
      "revision": .optional(overlay?.revision.description),
      "revisionIsGone": overlay == nil ? .null : .bool(entry == nil && !isKept && !isDamaged),
      "pin": .optional(pin?.description),
      "created": .optional(overlay?.created.rfc3339),
      "isInUse": .bool(listing.isInUse),
      "isReadable": .bool(overlay != nil),
      "sizeBytes": overlay.map { .unsigned($0.sizeBytes) } ?? .null,
      "allocatedBytes": .unsigned(listing.allocatedBytes),
      "volumes": .array(
        (overlay?.volumes ?? []).map {
          .object(["name": .string($0.name), "sizeBytes": .unsigned($0.sizeBytes)])
        }),
    ])
  }
}
