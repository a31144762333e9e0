extension String {
  /// The columns that the text takes on a terminal: none for combining marks and what joins
  /// characters, two for East Asian wide characters and pictographs (Unicode Standard Annex 11).
  var displayWidth: Int {
    reduce(0) { width, character in width + character.displayWidth }
  }
}

extension Character {
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff,
    0xa000...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe4f, 0xff00...0xff60,
    0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff, 0x1f900...0x1f9ff,
    0x20000...0x3fffd,
  ]

  fileprivate var displayWidth: Int {
    guard let scalar = unicodeScalars.first, scalar.value >= 0x300 else { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return Self.wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
  }
}
