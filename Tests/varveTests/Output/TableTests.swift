import Testing

@testable import varve

@Suite struct TableTests {
  @Test func columnsAreAsWideAsTheirWidestCell() {
    var table = Table([.left("JOB"), .right("SIZE"), .left("TAGS")])
    table.add(["web01", "1.00 GiB", ""])
    table.add(["d", "5 B", "nightly"])
    #expect(
      table.lines(colours: false) == [
        "JOB        SIZE  TAGS",
        "web01  1.00 GiB",
        "d           5 B  nightly",
      ])
  }

  @Test func wideAndCombiningCharactersAlign() {
    var table = Table([.left("A"), .left("B")])
    table.add(["日本", "x"])
    table.add(["e\u{301}é", "y"])
    #expect(table.lines(colours: false) == ["A     B", "日本  x", "e\u{301}é    y"])
  }

  /// What an envelope that is not sealed holds, anybody may have written.
  @Test func nothingInACellMovesTheCursor() {
    var table = Table([.left("SOURCE"), .left("X")])
    table.add([Cell("/dev/\u{1b}[2Jsda\u{9b}\r\nnext"), Cell("naïve 日本")])
    #expect(
      table.lines(colours: true).last == "/dev/\\u{1b}[2Jsda\\u{9b}\\r\\nnext  naïve 日本")
  }

  @Test func coloursTakeNoColumns() {
    var table = Table([.left("TRUST"), .left("T")])
    table.add([Cell("verified", .good), "x"])
    table.add(["no", "y"])
    let lines = table.lines(colours: true)
    #expect(lines[1] == "\u{1b}[32mverified\u{1b}[0m  x")
    #expect(lines[2] == "no        y")
  }

  @Test func textContinuesBelowAndNothingIsCut() {
    var table = Table([.text("NAME"), .left("ID"), .text("WHY")])
    table.add(["a-name-that-is-long/in-two-parts", "0123456789ab", "because it is so"])
    let lines = table.lines(colours: false, columns: 40)
    #expect(
      lines == [
        "NAME          ID            WHY",
        "a-name-that-  0123456789ab  because it",
        "is-long/in-                 is so",
        "two-parts",
      ])
    // What cannot be wrapped stays whole.
    #expect(table.lines(colours: false, columns: 5).contains { $0.contains("0123456789ab") })
    #expect(table.lines(colours: false, columns: 90).count == 2)
  }

  @Test func wideCharactersWrapByTheirColumns() {
    #expect(Cell("日本日本日本").wrapped(to: 5).map(\.text) == ["日本", "日本", "日本"])
    #expect(Cell("日").wrapped(to: 1).map(\.text) == ["日"])
    #expect(Cell("").wrapped(to: 5).map(\.text) == [""])
  }
}
