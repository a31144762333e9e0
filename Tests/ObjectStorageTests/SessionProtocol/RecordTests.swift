import ObjectStorage
import Testing

@Suite("Session protocol: records")
struct RecordTests {
  private static let nonce = Nonce(high: 1, low: 2, attempt: 3)

  @Test("A condemnation keeps every pack", arguments: [0, 1, 65_535, 65_536, 70_000])
  func condemnation(count: Int) throws {
    let packs = (0..<count).map { number in
      ObjectKey(number % 2 == 0 ? .dataPacks : .mapPacks, name("\(number)"))
    }
    let record = CondemnationRecord(.deleting, Self.nonce, packs: packs)
    #expect(try CondemnationRecord(record.bytes, of: "c") == record)
  }

  @Test("A session keeps every pin", arguments: [0, 1, 65_535, 65_536, 70_000])
  func session(count: Int) throws {
    let pinned = (0..<count).map { name("\($0)") }
    let record = SessionObject(.active(pinned: pinned), .reading, Self.nonce)
    #expect(try SessionObject(record.bytes, of: "s") == record)
  }

  @Test("A record that was cut short anywhere is refused")
  func short() throws {
    let bytes = SessionObject(.active(pinned: [name("r1"), name("r2")]), .writing, Self.nonce).bytes
    for length in 0..<bytes.count {
      #expect(throws: SessionProtocolError.self, "\(length)") {
        try SessionObject(Array(bytes.prefix(length)), of: "s")
      }
    }
    #expect(throws: SessionProtocolError.self) { try SessionObject(bytes + [0], of: "s") }
  }

  @Test(
    "A name that no object can have is refused, wherever a record holds it",
    arguments: [
      "", "r", "../../etc/passwd", name("j").uppercased(), name("r") + "0",
      "/" + name("r").dropFirst(),
    ])
  func names(name: String) {
    let records: [() throws -> Void] = [
      {
        let record = SessionObject(.active(pinned: [name]), .writing, Self.nonce)
        _ = try SessionObject(record.bytes, of: "s")
      },
      {
        let record = SessionObject(.committed(name), .writing, Self.nonce)
        _ = try SessionObject(record.bytes, of: "s")
      },
      { _ = try StagedRecord(StagedRecord(session: name, document: []).bytes, of: "r") },
      {
        let packs = [ObjectKey(.dataPacks, name)]
        let record = CondemnationRecord(.condemned, Self.nonce, packs: packs)
        _ = try CondemnationRecord(record.bytes, of: "c")
      },
    ]
    for read in records { #expect(throws: SessionProtocolError.self) { try read() } }
  }

  @Test("What is too long to be read again is not put")
  func tooLong() throws {
    let transcript = try Transcript()
    let bytes = [UInt8](repeating: 0, count: StoreRequest.smallObjectBytes + 1)
    let put = SettledPut(ObjectKey(.staged, name("r")), bytes, if: .absent)
    let error = #expect(throws: SessionProtocolError.self) { try transcript.run(put) }
    #expect(error?.code == .tooLarge)
    transcript.store.put(bytes, as: ObjectKey(.revisions, name("r")))
    let reading = #expect(throws: SessionProtocolError.self) {
      try transcript.begin(.reading, pinning: [name("r")])
    }
    #expect(reading?.code == .tooLarge)
  }
}
