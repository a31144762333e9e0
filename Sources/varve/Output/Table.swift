/// Rows under headings, every column as wide as its widest cell.
struct Table {
  struct Column {
    let heading: String
    let alignment: Alignment

    static func left(_ heading: String) -> Column { Column(heading: heading, alignment: .left) }
    static func right(_ heading: String) -> Column { Column(heading: heading, alignment: .right) }
  }

  private static let gap = "  "
  private let columns: [Column]
  private var rows: [[Cell]] = []

  init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row of one cell a column.
  mutating func add(_ cells: [Cell]) {
    precondition(cells.count == columns.count)
    rows.append(cells)
  }

  /// One line a value, with the values below one another. Empty values are left out.
  static func lines(ofNamed values: [(name: String, value: String)]) -> [String] {
    let width = values.reduce(0) { max($0, $1.name.displayWidth) }
    return values.filter { !$0.value.isEmpty }.map { name, value in
      name + String(repeating: " ", count: width - name.displayWidth) + gap + value
    }
  }

  /// The lines, the headings first, without space at their ends.
  func lines(colours: Bool) -> [String] {
    let all = [columns.map { Cell($0.heading, .heading) }] + rows
    var widths = columns.map { _ in 0 }
    for row in all {
      for (column, cell) in row.enumerated() {
        widths[column] = max(widths[column], cell.text.displayWidth)
      }
    }
    return all.map { line(of: $0, widths: widths, colours: colours) }
  }

  private func line(of cells: [Cell], widths: [Int], colours: Bool) -> String {
    let last = cells.lastIndex { !$0.text.isEmpty } ?? 0
    return cells[...last].enumerated().map { column, cell in
      let alignment = columns[column].alignment
      let width = column == last && alignment == .left ? 0 : widths[column]
      let padding = String(repeating: " ", count: max(0, width - cell.text.displayWidth))
      let text = cell.rendered(colours: colours)
      return alignment == .left ? text + padding : padding + text
    }.joined(separator: Self.gap)
  }
}

enum Alignment { case left, right }
