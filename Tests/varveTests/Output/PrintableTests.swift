import JSONText
import Testing

@testable import varve

@Suite("Text from elsewhere")
struct PrintableTests {
  @Test(
    "what is not seen is written out",
    arguments: [
      ("plain, naïve, 日本", "plain, naïve, 日本"), ("a\nvarve: b", "a\\nvarve: b"),
      ("\u{1b}[2J", "\\u{1b}[2J"), ("a\r\tb", "a\\r\\tb"), ("\u{9b}31m", "\\u{9b}31m"),
      ("x\u{202e}y\u{2066}z", "x\\u{202e}y\\u{2066}z"),
      ("a\u{2028}b\u{feff}", "a\\u{2028}b\\u{feff}"),
      ("\u{e0041}", "\\u{e0041}"), ("मा\u{200d}", "मा\u{200d}"), ("a\0", "a\\u{0}"),
    ])
  func escapes(text: String, printed: String) {
    #expect(text.printable == printed)
  }

  @Test func furtherLinesOfAMessageBelongToIt() {
    #expect("one\nvarve: two\u{1b}".printableLines == "one\n  varve: two\\u{1b}")
    #expect("one\r\nvarve: two".printableLines == "one\\r\n  varve: two")
    #expect("one".printableLines == "one")
  }

  @Test func documentsEscapeTheSame() {
    #expect(JSON.string("a\u{202e}\u{9b}\u{e0041}é").text == #""a\u202e\u009b\udb40\udc41é""#)
  }
}
