import Remedies
import Testing

@Suite struct RemedyTests {
  private struct Fault: RemediedError {
    var cause: (any Error)?
    var remedy: Remedy?
  }

  private struct Other: Error {}

  @Test("The remedies of the causes come first, each once")
  func chain() {
    let inner = Fault(cause: Other(), remedy: .restoreDirectory)
    let middle = Fault(cause: inner)
    let outer = Fault(cause: middle, remedy: .checkRepository)
    #expect(Remedy.of(inner) == [.restoreDirectory])
    #expect(Remedy.of(middle) == [.restoreDirectory])
    #expect(Remedy.of(outer) == [.restoreDirectory, .checkRepository])
    #expect(
      Remedy.of(Fault(cause: outer, remedy: .restoreDirectory)) == [
        .restoreDirectory, .checkRepository,
      ])
  }

  @Test("Other errors have no remedy")
  func none() {
    #expect(Remedy.of(Other()).isEmpty)
    #expect(Remedy.of(Fault()).isEmpty)
  }

  @Test("A warning has the remedies of its cause, and its own")
  func warnings() {
    let cause = Fault(cause: nil, remedy: .releasePin("x"))
    #expect(Warning("text").remedies.isEmpty)
    #expect(Warning("text", cause: cause).remedies == [.releasePin("x")])
    #expect(
      Warning("text", cause: cause, remedy: .listPins).remedies == [.releasePin("x"), .listPins])
    #expect(Warning("text", cause: cause, remedy: .releasePin("x")).remedies == [.releasePin("x")])
  }
}
