import JSONText
import Testing

@Suite struct JSONTests {
  @Test(
    "Escapes (RFC 8259, section 7)",
    arguments: [
      ("plain", #""plain""#), (#"a"b\c"#, #""a\"b\\c""#), ("a\n\r\tb", #""a\n\r\tb""#),
      ("\u{0}\u{1f}\u{7f}", #""\u0000\u001f\u007f""#), ("é日🎞", #""é日🎞""#),
      ("\r\n", #""\r\n""#), ("\u{2028}", #""\u2028""#), ("a/b", #""a/b""#),
    ])
  func strings(text: String, encoded: String) { #expect(JSON.string(text).text == encoded) }

  @Test(
    arguments: [
      (.null, "null"), (.bool(true), "true"), (.integer(-5), "-5"),
      (.unsigned(.max), "18446744073709551615"), (.number(0.25), "0.25"), (.number(5), "5.0"),
      (.number(.nan), "null"), (.number(-.infinity), "null"), (.seconds(1.23456), "1.235"),
      (.array([]), "[]"), (.object([:]), "{}"), (.optional(nil), "null"),
      (.strings(["a"]), #"["a"]"#),
    ] as [(JSON, String)])
  func values(value: JSON, text: String) { #expect(value.text == text) }

  @Test func objectsKeepTheirOrder() {
    let value = JSON.object(["z": .integer(1), "a": .array([.null, .bool(false)])])
    #expect(value.text == #"{"z":1,"a":[null,false]}"#)
    #expect(
      value.indentedText == """
        {
          "z": 1,
          "a": [
            null,
            false
          ]
        }
        """)
  }
}
