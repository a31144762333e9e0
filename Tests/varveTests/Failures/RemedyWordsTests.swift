import BackupEngine
import ChunkStore
import JSONText
import Remedies
import Testing

@testable import varve

@Suite struct RemedyWordsTests {
  private let inner = StoreError(.pinned, "pinned", remedy: .releasePin("p1"))

  @Test func peopleReadTheMessageThenTheRemediesEachOnce() {
    #expect(
      inner.textWithRemedies
        == "pinned; remove the overlay, or release its pin with 'varve pin release p1 --yes'")
    let outer = EngineError(.damaged, "stopped: \(inner)", cause: inner, remedy: .releasePin("p1"))
    #expect(
      outer.textWithRemedies
        == "stopped: pinned; remove the overlay, or release its pin with 'varve pin release p1 --yes'"
    )
    #expect(StoreError(.busy, "busy").textWithRemedies == "busy")
  }

  @Test func programsReadTheErrorsOwnRemedyElseThatOfItsKind() {
    let own = FailureReport(inner).json["error"]
    #expect(own?["message"]?.string == "pinned")
    #expect(
      own?["remedy"]?.string
        == "remove the overlay, or release its pin with 'varve pin release p1 --yes'")
    let general = FailureReport(StoreError(.busy, "busy")).json["error"]
    let words = "end or unmount what the message names, or wait for it; then try again"
    #expect(general?["remedy"]?.string == words)
  }
}
