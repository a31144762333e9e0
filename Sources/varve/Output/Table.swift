/// Rows under headings, every column as wide as its widest cell.
///
/// Where that is too wide, cells of text continue on the lines below. Nothing is ever cut: whatever is
/// printed can be copied.
struct Table {
  struct Column {
    let heading: String
    let alignment: Alignment
    /// Whether its cells may continue on the next line.
    var wraps = false

    static func left(_ heading: String) -> Column { Column(heading: heading, alignment: .left) }
    /// Names and sentences, of any length.
    static func text(_ heading: String) -> Column {
      Column(heading: heading, alignment: .left, wraps: true)
    }
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

  /// A column of text is never narrower.
  private static let narrowest = 6

  /// The lines, the headings first, without space at their ends.
  ///
  /// - Parameter columns: how wide they may be, as far as text can be wrapped.
  func lines(colours: Bool, columns limit: Int = .max) -> [String] {
    let all = [columns.map { Cell($0.heading, .heading) }] + rows
    var widths = columns.map { _ in 0 }
    for row in all {
      for (column, cell) in row.enumerated() {
        widths[column] = max(widths[column], cell.text.displayWidth)
      }
    }
    narrow(&widths, to: limit)
    return all.flatMap { row in
      let cells = zip(row, widths).map { $0.wrapped(to: $1) }
      return (0..<(cells.map(\.count).max() ?? 0)).map { number in
        line(
          of: cells.map { number < $0.count ? $0[number] : Cell("") }, widths: widths,
          colours: colours)
      }
    }
  }

  /// Takes from the widest column of text, one after the other.
  private func narrow(_ widths: inout [Int], to limit: Int) {
    let gaps = Self.gap.count * (widths.count - 1)
    while widths.reduce(gaps, +) > limit {
      let texts = widths.indices.filter {
        columns[$0].wraps
          && widths[$0] > max(Self.narrowest, columns[$0].heading.displayWidth)
      }
      guard let widest = texts.max(by: { widths[$0] < widths[$1] }) else { return }
      widths[widest] -= 1
    }
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
