import Administration
import ChunkFormat
import ChunkStore
import EngineTestSupport
import JSONText
import Overlays
import Testing

@Suite("Keys and pins, without a process")
struct KeyAndPinTests {
  @Test("keys are added, listed and removed")
  func keys() throws {
    let office = try Office(encrypted: true)
    let bytes = [UInt8](repeating: 7, count: 64).withUnsafeBytes { SecretBytes(copying: $0) }
    let key = NewKey(secret: .keyFile(bytes), label: "second")
    let added = try KeyAdditionRequest(key).run(
      on: office.repository, context: office.place.context)
    #expect(added.json["kind"]?.string == "keyfile" && added.json["label"]?.string == "second")
    #expect(try KeyListRequest().run(on: office.repository).json.elements.count == 2)
    let refusal = #expect(throws: Refusal.self) {
      try KeyRemovalRequest(id: "").run(on: office.repository)
    }
    guard case .key(.ambiguous("", let among)) = refusal, among.count == 2 else {
      return #expect(Bool(false), "\(String(describing: refusal))")
    }
    let removed = try KeyRemovalRequest(id: "\(added.id)").run(on: office.repository)
    #expect(removed.json["id"]?.string == "\(added.id)")
    #expect(try KeyExportRequest().run(on: office.repository).json["paperKey"]?.string != nil)
  }

  @Test("a repository that is not encrypted has no keys, and gets none")
  func plain() throws {
    let office = try Office()
    #expect(try KeyListRequest().run(on: office.repository).slots.isEmpty)
    let refusal = #expect(throws: Refusal.self) { try KeyAdditionRequest.check(office.repository) }
    guard case .key(.notEncrypted) = refusal else {
      return #expect(Bool(false), "\(String(describing: refusal))")
    }
  }

  @Test("a pin that may be needed is released only when that is confirmed")
  func pins() throws {
    let office = try Office()
    let id = try office.backUp()
    let overlays = try office.overlays()
    try overlays.create("repair", on: try office.repository.revision(id))
    let list = try PinListRequest().run(
      on: office.repository, overlays: overlays, context: office.place.context)
    let pin = try #require(list.pins.first)
    #expect(pin.state == .present)
    #expect(list.json["pins"]?.elements.first?["revision"]?.string == "\(id)")
    func release(_ name: String, confirmed: Bool = false) throws -> PinReleaseOutcome {
      try PinReleaseRequest(pins: [name], isConfirmed: confirmed).run(
        on: office.repository, overlays: { overlays }, context: office.place.context)
    }
    guard
      case .pin(.mayBeNeeded) = #expect(
        throws: Refusal.self, performing: { try release(pin.shortName) })
    else { return #expect(Bool(false), "another refusal") }
    guard
      case .pin(.none("ffff")) = #expect(
        throws: Refusal.self, performing: { try release("ffff") })
    else { return #expect(Bool(false), "another refusal") }
    let released = try release(pin.shortName, confirmed: true)
    #expect(released.released.map(\.name) == [pin.stored.name])
    #expect(released.released.first?.revision?.isStillPinned == false)
  }
}
