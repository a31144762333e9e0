import Testing

@testable import ChunkFormat

@Suite struct NameTests {
  @Test(arguments: ["web01", "größe", "データ", "a", "x.y-z_0", "👩"])
  func acceptsWhatPeopleCallThings(_ name: String) {
    #expect(Name.isValid(name))
  }

  @Test(arguments: [
    "", "-r", ".hidden", "a b", "a@b", "a/b", "a=b", "a:b", "a,b", "a\u{0}", "a\u{1b}[2J",
    "a\u{85}b",
    "a\u{2028}b", "a\u{3000}b",
  ])
  func refusesSeparatorsBlanksAndControls(_ name: String) {
    #expect(!Name.isValid(name))
  }

  /// A separator and a combining mark after it form one `Character`.
  @Test(arguments: ["a@\u{301}b", "a/\u{301}b", "-\u{301}r", ".\u{301}", "a\u{20}\u{301}b"])
  func seesSeparatorsUnderCombiningMarks(_ name: String) {
    #expect(!Name.isValid(name))
  }

  @Test(arguments: ["web\u{202e}10", "web\u{200b}01", "\u{feff}web01", "web\u{e0041}01"])
  func refusesWhatMakesNamesLookAlike(_ name: String) {
    #expect(!Name.isValid(name))
  }

  @Test func countsBytesNotCharacters() {
    #expect(Name.isValid(String(repeating: "ö", count: 100)))
    #expect(!Name.isValid(String(repeating: "ö", count: 101)))
  }

  @Test(arguments: ["domain.xml", ".profile", "with space", "-x"])
  func fileNamesMayBeginAnyhow(_ name: String) {
    #expect(Name.isFileName(name))
  }

  @Test(arguments: ["", ".", "..", "a/b", "..\u{2f}\u{301}etc", "a\u{0}b", "a\u{1b}]0;x\u{7}"])
  func fileNamesStayInTheirDirectory(_ name: String) {
    #expect(!Name.isFileName(name))
  }

  @Test func errorsShowNoControlCharacters() {
    let error = #expect(throws: FormatError.self) { try Name.check("a\u{1b}[2J", in: "revision") }
    #expect(error?.description.unicodeScalars.contains("\u{1b}") == false)
  }
}
