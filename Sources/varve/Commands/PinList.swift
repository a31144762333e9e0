import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore
import Overlays

struct PinList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the pins of a repository: which revision each keeps, and for what.",
    usage: "varve pin list [<options>]",
    discussion: """
      STATE is 'in use' if a process has the overlay open, and 'stale' if the overlay is gone. It is \
      'copied' if the pin was created in a repository at another path of this machine, so that this \
      repository is a copy. It is 'other machine' if the pin was created on another machine, which \
      either shares this repository or has the original of this copy.
      """,
    aliases: ["ls"])

  @OptionGroup var json: JSONOption
  @OptionGroup var location: OverlayLocation
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let list = try PinListRequest().run(
      on: repository, overlays: location.store(of: repository),
      context: .ofProgram())
    let pins = list.pins
    let output = StandardOutput()
    if json.isWanted {
      try output.document(list.json)
    } else if !pins.isEmpty {
      try output.table(table(of: pins))
    }
    if pins.isEmpty, list.unreadable.isEmpty { Console.shared.message("no pins") }
    for advice in advice(on: pins) { Console.shared.message(advice) }
    for (name, error) in list.unreadable {
      Console.shared.message(
        "pin \(name) cannot be read, so 'varve gc' deletes nothing: "
          + error.textWithRemedies)
    }
    if !list.unreadable.isEmpty { throw ReportedFailure() }
  }

  private func table(of pins: [DescribedPin]) -> Table {
    var table = Table([
      .left("PIN"), .text("JOB"), .left("REVISION"), .left("SINCE"), .text("FOR"), .text("STATE"),
      .text("WHERE"),
    ])
    for pin in pins { table.add(pin.cells) }
    return table
  }

  /// What can be done about pins that perhaps nothing needs.
  private func advice(on pins: [DescribedPin]) -> [String] {
    let copied = pins.filter { $0.state == .copied || $0.state == .otherMachine }
    let stale = pins.filter { $0.state == .stale }
    var advice: [String] = []
    if let first = stale.first {
      advice.append(
        "\(Quantities.count(stale.count, "pin")) left by overlays that are gone; release the first with "
          + "'varve pin release \(first.shortName)'")
    }
    if let first = copied.first {
      advice.append(
        "\(Quantities.count(copied.count, "pin")) created elsewhere: if this repository is a copy of "
          + "\(first.madeIn), the overlays belong to that one; release the first pin here with "
          + "'varve pin release \(first.shortName) --yes'")
    }
    return advice
  }
}
