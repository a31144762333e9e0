import JSONText
import Testing

@Suite struct JSONParsingTests {
  @Test func whatIsWrittenIsReadAgain() {
    let document = JSON.object([
      "text": .string("a \"quoted\" \\ é \u{1f600} \n\t\u{1} /"), "none": .null,
      "numbers": .array([.unsigned(.max), .integer(-5), .number(0.25), .unsigned(0)]),
      "flags": .array([.bool(true), .bool(false)]), "empty": .object([:]), "nothing": .array([]),
    ])
    #expect(JSON(parsing: document.text) == document)
    #expect(JSON(parsing: document.indentedText) == document)
  }

  @Test func escapes() {
    #expect(
      JSON(parsing: #""\u0041\ud83d\ude00\n\r\t\b\f\/\\\"""#)?.string
        == "A\u{1f600}\n\r\t\u{8}\u{c}/\\\"")
  }

  @Test(arguments: [
    "", " ", "{", "[", "\"", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "1 2", "nul", "tru",
    "[1", "{\"a\":1", "\"\\x\"", "\"\\u12\"", "\"\\ud83d\"", "\"\\ud83d\\u0041\"", "--1", "+", "]",
    "[1}", "\"\u{0}",
  ])
  func nonsense(text: String) { #expect(JSON(parsing: text) == nil, "\(text)") }

  @Test func depthIsBounded() {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(JSON(parsing: nested(30)) != nil)
    #expect(JSON(parsing: nested(100_000)) == nil)
  }

  @Test func members() throws {
    let document = try #require(
      JSON(parsing: #" {"a": 1, "b": [2, "x"], "c": -1, "d": 1.5, "e": null} "#))
    #expect(document["a"]?.count == 1)
    #expect(document["b"]?.elements.last?.string == "x")
    #expect(document["c"]?.count == nil)
    #expect(document["d"]?.double == 1.5)
    #expect(document["a"]?.double == 1)
    #expect(document["e"] == .null)
    #expect(document["f"] == nil)
    #expect(document["b"]?["a"] == nil)
  }
}
