import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct FieldListTests {
  private static func list(
    known: Set<UInt16>, _ write: (inout FieldListWriter) -> Void
  ) throws -> FieldList {
    var fields = FieldListWriter()
    write(&fields)
    return try FieldList(fields.bytes[...], structure: "test", known: known)
  }

  @Test func unknownOptionalFieldsAreSkipped() throws {
    let fields = try Self.list(known: [1]) {
      $0.field(0x7fff, "what a later program adds")
      $0.field(1, UInt32(5))
      $0.field(2, [UInt8]())
    }
    #expect(try fields.integer(1) as UInt32 == 5)
  }

  @Test func unknownCriticalFieldsAreRefusedByName() {
    let error = #expect(throws: FormatError.self) {
      try Self.list(known: [1]) { $0.field(0x8009, "what a reader must know") }
    }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("32777") == true)
  }

  @Test func fieldsStandOnce() throws {
    let fields = try Self.list(known: [1, 2]) {
      $0.field(1, UInt8(1))
      $0.field(1, UInt8(1))
    }
    #expect(throws: FormatError.self) { try fields.one(1) }
    #expect(throws: FormatError.self) { try fields.atMostOne(1) }
    #expect(throws: FormatError.self) { try fields.one(2) }
    #expect(try fields.atMostOne(2) == nil)
    #expect(fields.all(1).count == 2)
  }

  @Test func integersHaveTheirLength() throws {
    let fields = try Self.list(known: [1]) { $0.field(1, UInt32(5)) }
    #expect(throws: FormatError.self) { try fields.integer(1) as UInt16 }
    #expect(throws: FormatError.self) { try fields.integer(1) as UInt64 }
  }

  @Test(
    arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]] as [[UInt8]])
  func textIsUTF8(_ bytes: [UInt8]) throws {
    let fields = try Self.list(known: [1]) { $0.field(1, bytes) }
    #expect(throws: FormatError.self) { try fields.text(1) }
  }

  /// A length far beyond the end of the bytes is an error; no memory is allocated for it.
  @Test func aHugeLengthIsRefused() {
    #expect(throws: FormatError.self) {
      try FieldList([1, 0, 0xff, 0xff, 0xff, 0xff][...], structure: "test", known: [1])
    }
  }

  @Test func momentsAreNotNegative() throws {
    let fields = try Self.list(known: [1]) { $0.field(1, Int64.min) }
    #expect(throws: FormatError.self) { try fields.time(1) }
  }

  @Test func randomBytesNeverTrap() throws {
    var random = SeededRandom()
    for _ in 0..<2000 {
      var bytes = random.bytes(Int.random(in: 0...60, using: &random))
      // Keep lengths mostly small, so that some lists are complete.
      for index in bytes.indices where index % 3 != 0 { bytes[index] &= 3 }
      let fields = try? FieldList(bytes[...], structure: "test", known: Set(0..<0x300))
      for tag in UInt16(0)..<4 {
        for value in fields?.all(tag) ?? [] {
          #expect(value.count <= bytes.count, "\(random)")
        }
      }
    }
  }
}

@Suite struct HexadecimalTests {
  @Test func readsBack() {
    var random = SeededRandom()
    for count in 0..<70 {
      let bytes = random.bytes(count)
      #expect(Hexadecimal.decode(bytes.hexadecimal) == bytes, "\(random)")
    }
  }

  @Test(arguments: ["a", "0g", "AB", "é0", "0 ", "０１"]) func otherTextIsRefused(_ text: String) {
    #expect(Hexadecimal.decode(text) == nil)
  }

  @Test func namesOfFilesHave64Digits() {
    #expect(FileDigest(name: String(repeating: "ab", count: 32)) != nil)
    #expect(FileDigest(name: String(repeating: "AB", count: 32)) == nil)
    #expect(FileDigest(name: String(repeating: "ab", count: 31)) == nil)
    #expect(FileDigest(name: ".tmp-0123") == nil)
  }
}
