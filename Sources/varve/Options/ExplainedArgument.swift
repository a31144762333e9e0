import ArgumentParser

/// What is read from one word, and says what it can be.
protocol ExplainedArgument: ExpressibleByArgument {
  /// Follows "expected": `a whole number from 1 to 1000000`.
  static var expectation: String { get }
}

extension ExplainedArgument {
  /// For `transform:`, without which the parser says only that a value is invalid.
  @Sendable static func reading(_ text: String) throws -> Self {
    guard let value = Self(argument: text) else {
      throw ValidationError("expected \(expectation)")
    }
    return value
  }
}
