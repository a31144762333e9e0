import ObjectStorage
import Testing

@Suite("Session protocol: records")
struct RecordTests {
  private static let nonce = Nonce(high: 1, low: 2, attempt: 3)

  @Test("A condemnation keeps every pack", arguments: [0, 1, 65_535, 65_536, 70_000])
  func condemnation(count: Int) throws {
    let packs = (0..<count).map { "p\($0)" }
    let record = CondemnationRecord(.deleting, Self.nonce, packs: packs)
    #expect(try CondemnationRecord(record.bytes, of: "c") == record)
  }

  @Test("A session keeps every pin", arguments: [0, 1, 65_535, 65_536, 70_000])
  func session(count: Int) throws {
    let pinned = (0..<count).map { "r\($0)" }
    let record = SessionObject(.active(pinned: pinned), .reading, Self.nonce)
    #expect(try SessionObject(record.bytes, of: "s") == record)
  }

  @Test("A record that was cut short anywhere is refused")
  func short() throws {
    let bytes = SessionObject(.active(pinned: ["r1", "r2"]), .writing, Self.nonce).bytes
    for length in 0..<bytes.count {
      #expect(throws: SessionProtocolError.self, "\(length)") {
        try SessionObject(Array(bytes.prefix(length)), of: "s")
      }
    }
    #expect(throws: SessionProtocolError.self) { try SessionObject(bytes + [0], of: "s") }
  }
}
