import TestSupport
import Testing

@testable import ChunkFormat

@Suite struct KeySlotTests {
  static func slot(
    _ method: KeySlotMethod = .passphrase, secret: SecretBytes = Sample.secret("correct horse"),
    label: String = "Ada's laptop", keys: RepositoryKeys = Sample.keys,
    cost: ScryptCost = .minimal
  ) throws -> [UInt8] {
    try KeySlot.encode(
      keys, method: method, secret: secret, label: label, repository: Sample.repository,
      created: 6_000_000_000, cost: cost)
  }

  private static func read(_ bytes: [UInt8]) throws -> KeySlot {
    try KeySlot(encoded: bytes, repository: Sample.repository)
  }

  @Test func aPassphraseOpensIt() throws {
    let slot = try Self.read(Self.slot())
    #expect(slot.method == .passphrase)
    #expect(slot.created == 6_000_000_000)
    let opened = try #require(try slot.open(with: Sample.secret("correct horse")))
    #expect(opened.label == "Ada's laptop")
    #expect(opened.keys.idKey.hexadecimal == Sample.keys.idKey.hexadecimal)
    #expect(opened.keys.dataKey.hexadecimal == Sample.keys.dataKey.hexadecimal)
  }

  @Test func aKeyFileOpensIt() throws {
    let secret = Sample.secret(0x44, count: 4096)
    let slot = try Self.read(Self.slot(.keyFile, secret: secret, label: ""))
    let opened = try #require(try slot.open(with: secret))
    #expect(opened.keys.dataKey.hexadecimal == Sample.keys.dataKey.hexadecimal)
    #expect(opened.label.isEmpty)
  }

  @Test(arguments: ["correct Horse", "correct horse\n", "x", ""])
  func anotherPassphraseDoesNot(_ passphrase: String) throws {
    #expect(try Self.read(Self.slot()).open(with: Sample.secret(passphrase)) == nil)
  }

  @Test func anotherOrEmptyKeyFileDoesNot() throws {
    let slot = try Self.read(Self.slot(.keyFile, secret: Sample.secret(0x44)))
    #expect(try slot.open(with: Sample.secret(0x45)) == nil)
    #expect(try slot.open(with: Sample.secret("")) == nil)
  }

  @Test func twoSlotsOfOnePassphraseShareNoByteOfSecret() throws {
    let (first, second) = (try Self.slot(), try Self.slot())
    #expect(first[32..<64] != second[32..<64], "salts")
    #expect(first[84..<148] != second[84..<148], "wrapped keys")
  }

  @Test(arguments: [
    (KeySlotMethod.passphrase, ""), (.keyFile, "0123456789012345678901234567890"),
  ]) func guessableSecretsAreRefused(_ method: KeySlotMethod, _ secret: String) {
    let error = #expect(throws: FormatError.self) {
      try Self.slot(method, secret: Sample.secret(secret))
    }
    #expect(error?.code == .invalidValue)
  }

  @Test func anotherRepositorysSlotIsRefused() throws {
    let bytes = try Self.slot()
    let error = #expect(throws: FormatError.self) {
      try KeySlot(encoded: bytes, repository: Sample.otherRepository)
    }
    #expect(error?.code == .wrongRepository)
  }

  static let bombs = [
    ScryptCost(logarithmOfN: 20, blockSize: 8, parallelism: 1),
    ScryptCost(logarithmOfN: 63, blockSize: 8, parallelism: 1),
    ScryptCost(logarithmOfN: 255, blockSize: .max, parallelism: .max),
    ScryptCost(logarithmOfN: 10, blockSize: .max, parallelism: 1),
    ScryptCost(logarithmOfN: 10, blockSize: 8, parallelism: .max),
    ScryptCost(logarithmOfN: 0, blockSize: 8, parallelism: 1),
    ScryptCost(logarithmOfN: 10, blockSize: 0, parallelism: 1),
    ScryptCost(logarithmOfN: 10, blockSize: 8, parallelism: 0),
    ScryptCost(logarithmOfN: 16, blockSize: 1, parallelism: 1),
    // Within the memory limit, but 64 times and 8 times the time of a standard slot.
    ScryptCost(logarithmOfN: 18, blockSize: 8, parallelism: 16),
    ScryptCost(logarithmOfN: 16, blockSize: 8, parallelism: 8),
  ]

  @Test(arguments: bombs) func excessiveCostsAreRefusedUnpaid(_ cost: ScryptCost) throws {
    var bytes = try Self.slot()
    bytes[65] = cost.logarithmOfN
    bytes.replaceSubrange(68..<72, with: withUnsafeBytes(of: cost.blockSize) { Array($0) })
    bytes.replaceSubrange(72..<76, with: withUnsafeBytes(of: cost.parallelism) { Array($0) })
    let error = #expect(throws: FormatError.self) { try Self.read(bytes) }
    #expect(error?.code == .unsupported)
  }

  @Test(arguments: bombs) func slotsThatCannotBeOpenedAreNotWritten(_ cost: ScryptCost) {
    let error = #expect(throws: FormatError.self) { try Self.slot(cost: cost) }
    #expect(error?.code == .invalidValue)
  }

  @Test func theStandardCostAndFourTimesAsMuchAreAcceptable() {
    #expect(ScryptCost.standard.isAcceptable)
    #expect(ScryptCost(logarithmOfN: 18, blockSize: 8, parallelism: 1).isAcceptable)
    #expect(ScryptCost(logarithmOfN: 16, blockSize: 8, parallelism: 4).isAcceptable)
  }

  @Test func anUnknownMethodIsRefusedByName() throws {
    var bytes = try Self.slot()
    bytes[64] = 9
    let error = #expect(throws: FormatError.self) { try Self.read(bytes) }
    #expect(error?.code == .unsupported)
    #expect(error?.description.contains("method 9") == true)
  }

  @Test(arguments: [66, 67, 10]) func reservedBytesAreZeros(at offset: Int) throws {
    var bytes = try Self.slot()
    bytes[offset] = 1
    let error = #expect(throws: FormatError.self) { try Self.read(bytes) }
    #expect(error?.code == .corrupt)
  }

  @Test func aKeyFilesSlotNamesNoCost() throws {
    var bytes = try Self.slot(.keyFile, secret: Sample.secret(0x44))
    bytes[65] = 10
    let error = #expect(throws: FormatError.self) { try Self.read(bytes) }
    #expect(error?.code == .corrupt)
  }

  @Test func aBrokenLabelIsDamageNotAWrongPassphrase() throws {
    var bytes = try Self.slot()
    bytes[bytes.count - 1] ^= 1
    let slot = try Self.read(bytes)
    let error = #expect(throws: FormatError.self) {
      try slot.open(with: Sample.secret("correct horse"))
    }
    #expect(error?.code == .corrupt)
  }
}

@Suite struct PaperKeyTests {
  private let text = PaperKey.encode(Sample.keys, repository: Sample.repository)

  /// The system's `xxh128sum` computed the check digits.
  @Test func readsAsPrinted() {
    #expect(
      text == """
        varve paper key, version 1
         1: 0001 0203 0405 0607  de70
         2: 0809 0a0b 0c0d 0e0f  9122
         3: 1111 1111 1111 1111  17a4
         4: 1111 1111 1111 1111  f834
         5: 1111 1111 1111 1111  2b64
         6: 1111 1111 1111 1111  9ad1
         7: 2222 2222 2222 2222  45f7
         8: 2222 2222 2222 2222  3c98
         9: 2222 2222 2222 2222  99c1
        10: 2222 2222 2222 2222  54fe

        """)
  }

  @Test func readsBack() throws {
    let keys = try PaperKey.decode(text, repository: Sample.repository)
    #expect(keys.idKey.hexadecimal == Sample.keys.idKey.hexadecimal)
    #expect(keys.dataKey.hexadecimal == Sample.keys.dataKey.hexadecimal)
  }

  @Test func spacesCaseAndBlankLinesDoNotMatter() throws {
    let typed =
      "\r\n" + text.uppercased().replacing("\n", with: "\r\n\r\n").replacing(" ", with: "  ")
    let keys = try PaperKey.decode(typed, repository: Sample.repository)
    #expect(keys.dataKey.hexadecimal == Sample.keys.dataKey.hexadecimal)
  }

  /// Every digit is mistyped once, and every two neighbours are swapped once.
  @Test func aMistypedLineIsFoundByItsNumber() throws {
    let lines = text.split(separator: "\n").map(String.init)
    for number in 1...10 {
      let digits = Array(lines[number])
      for place in 4..<digits.count where digits[place] != " " {
        var typed = lines
        var line = digits
        line[place] = digits[place] == "7" ? "8" : "7"
        typed[number] = String(line)
        expectMistyped(typed, line: number)
        guard place + 1 < digits.count, digits[place + 1] != " ", digits[place] != digits[place + 1]
        else { continue }
        line = digits
        line.swapAt(place, place + 1)
        typed[number] = String(line)
        expectMistyped(typed, line: number)
      }
    }
  }

  @Test func linesInAnotherOrderAreRefused() {
    var lines = text.split(separator: "\n").map(String.init)
    lines.swapAt(3, 4)
    expectMistyped(lines, line: 3)
  }

  private func expectMistyped(_ lines: [String], line: Int) {
    let error = #expect(throws: FormatError.self) {
      try PaperKey.decode(lines.joined(separator: "\n"), repository: Sample.repository)
    }
    #expect(error?.code == .corrupt)
    #expect(error?.description.contains("line \(line) ") == true)
  }

  @Test(arguments: ["", "\n\n", "varve paper key, version 2", "garbage\u{0}"])
  func otherTextIsRefused(_ text: String) {
    let error = #expect(throws: FormatError.self) {
      try PaperKey.decode(text, repository: Sample.repository)
    }
    #expect(error?.code == .unsupported)
  }

  @Test(arguments: [1, 10, 12]) func missingAndSurplusLinesAreCounted(_ count: Int) {
    let lines = (text + text).split(separator: "\n").prefix(count).joined(separator: "\n")
    let error = #expect(throws: FormatError.self) {
      try PaperKey.decode(lines, repository: Sample.repository)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func anotherRepositorysKeyIsRefused() {
    let error = #expect(throws: FormatError.self) {
      try PaperKey.decode(text, repository: Sample.otherRepository)
    }
    #expect(error?.code == .wrongRepository)
  }
}

@Suite struct SecretBytesTests {
  @Test func randomSecretsDiffer() throws {
    let (first, second) = (try SecretBytes.random(count: 32), try SecretBytes.random(count: 32))
    #expect(first.hexadecimal != second.hexadecimal)
  }

  @Test func keysOfFilesDependOnSaltAndKind() throws {
    let salt = [UInt8](repeating: 1, count: 32)
    let key = try Sample.keys.fileKey(salt: salt, kind: .dataPack).hexadecimal
    #expect(try Sample.keys.fileKey(salt: salt, kind: .dataPack).hexadecimal == key)
    #expect(try Sample.keys.fileKey(salt: salt, kind: .mapPack).hexadecimal != key)
    #expect(
      try Sample.keys.fileKey(salt: [UInt8](repeating: 2, count: 32), kind: .dataPack).hexadecimal
        != key)
  }
}

extension SecretBytes {
  var hexadecimal: String { withUnsafeBytes { Hexadecimal.encode($0) } }
}
