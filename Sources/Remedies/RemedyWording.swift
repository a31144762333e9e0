/// How a front end words remedies, where a text tells them after what went wrong.
package struct RemedyWording: Sendable {
  private let words: @Sendable (Remedy) -> String

  /// - Parameter words: a clause for each remedy, in terms of the front end.
  package init(_ words: @escaping @Sendable (Remedy) -> String) { self.words = words }

  /// The description, then the remedies, separated by semicolons.
  package func text(_ description: String, _ remedies: [Remedy]) -> String {
    ([description] + remedies.map(words)).joined(separator: "; ")
  }

  /// The remedies alone; nil where there is none.
  package func text(_ remedies: [Remedy]) -> String? {
    remedies.isEmpty ? nil : remedies.map(words).joined(separator: "; ")
  }

  /// What an error says, and what can be done about it.
  package func text(_ error: any Error) -> String { text("\(error)", Remedy.of(error)) }

  /// What a warning says, and what can be done about it.
  package func text(_ warning: Warning) -> String { text(warning.description, warning.remedies) }
}
