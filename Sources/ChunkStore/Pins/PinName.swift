import ChunkFormat

/// The name of a pin's file, which is the pin's id: 16 random bytes as 32 hexadecimal digits.
package struct PinName: Hashable, Comparable, Sendable, CustomStringConvertible {
  private static let lengthBytes = 16

  package let description: String

  /// Reads a name; nil where the text is none.
  package init?(_ text: String) {
    guard text.utf8.count == Self.lengthBytes * 2, Hexadecimal.decode(text) != nil else {
      return nil
    }
    description = text
  }

  private init(random: String) { description = random }

  /// A name that no other pin has.
  package static func random() throws(StoreError) -> PinName {
    PinName(random: try reportingFormatErrors(of: "pin", Randomness.name))
  }

  package static func < (left: PinName, right: PinName) -> Bool {
    left.description < right.description
  }
}
