import BackupEngine
import TestSupport
import Testing
import Workers

@testable import varve

@Suite("What is shown of the progress of operations")
struct ProgressBoardTests {
  private let board = ProgressBoard()

  private var context: WorkContext {
    var context = WorkContext.testing()
    context.progress = board
    return context
  }

  @Test("What was new in earlier phases counts on")
  func newBytes() {
    #expect(board.reading(of: "web01") == nil)
    let first = context.begin(.reading, total: 4096)
    first.advance(to: 1024)
    first.addNew(1024)
    #expect(
      board.reading(of: "web01")
        == ProgressReading(
          activity: "backing up web01", done: 1024, total: 4096, remark: "1.00 KiB new"))
    let second = context.begin(.storing)
    second.addNew(1024)
    #expect(
      board.reading(of: "web01")
        == ProgressReading(
          activity: "storing web01", done: 0, total: nil, remark: "2.00 KiB new"))
  }

  @Test("Phases that nobody has words for are not shown")
  func unknownPhase() {
    _ = context.begin(WorkPhase("sawing", in: .items), total: 3)
    #expect(board.reading(of: "web01") == nil)
  }
}
