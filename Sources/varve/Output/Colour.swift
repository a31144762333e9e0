/// The few colours that carry a meaning, as ANSI escape sequences.
enum Colour: String, Sendable {
  case heading = "1"
  case good = "32"
  case doubtful = "33"
  case bad = "1;31"

  func applied(to text: String) -> String { "\u{1b}[\(rawValue)m\(text)\u{1b}[0m" }
}

/// Text in a colour, or in none.
struct Cell: Equatable, Sendable {
  let text: String
  let colour: Colour?

  init(_ text: String, _ colour: Colour? = nil) {
    self.text = text.printable
    self.colour = colour
  }

  func rendered(colours: Bool) -> String {
    guard colours, let colour else { return text }
    return colour.applied(to: text)
  }
}

extension Cell {
  /// Characters behind which a line may end.
  private static let breaks: Set<Character> = [" ", ",", ";", "/", "-", "@", "."]

  /// The cell in pieces of at most `width` columns, which together are its text.
  func wrapped(to width: Int) -> [Cell] {
    guard text.displayWidth > width, width > 0 else { return [self] }
    var (pieces, rest): ([Cell], Substring) = ([], text[...])
    while !rest.isEmpty {
      let piece = Self.beginning(of: rest, width: width)
      pieces.append(Cell(piece.last == " " ? String(piece.dropLast()) : String(piece), colour))
      rest = rest[piece.endIndex...]
    }
    return pieces
  }

  private static func beginning(of text: Substring, width: Int) -> Substring {
    var (end, taken, lastBreak) = (text.startIndex, 0, nil as Substring.Index?)
    while end < text.endIndex {
      taken += String(text[end]).displayWidth
      // A space at the end takes no column.
      guard taken <= width || taken == width + 1 && text[end] == " " else { break }
      end = text.index(after: end)
      if breaks.contains(text[text.index(before: end)]) { lastBreak = end }
    }
    guard end < text.endIndex else { return text }
    return text[..<(lastBreak ?? max(end, text.index(after: text.startIndex)))]
  }
}

extension Cell: ExpressibleByStringInterpolation {
  init(stringLiteral text: String) { self.init(text) }
}
