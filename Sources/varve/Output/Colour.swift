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

extension Cell: ExpressibleByStringInterpolation {
  init(stringLiteral text: String) { self.init(text) }
}
