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
}
