import FileIO
import SystemPackage
import TestSupport
import Testing

@Suite("Bytes as text")
struct EscapedBytesTests {
  @Test("UTF-8 stays as it is", arguments: ["", "disk.raw", "Bär", "日本", "🗻/a=b", "\u{fffd}"])
  func utf8(text: String) {
    #expect(String(escaping: Array(text.utf8)) == text)
    #expect(text.unescapedBytes == Array(text.utf8))
    #expect(!text.hasEscapedBytes)
    #expect(text.showingEscapedBytes == text)
  }

  static let bytes: [[UInt8]] = [
    [0xff], [0x42, 0xe4, 0x72], [0x42, 0xf6, 0x72], [0xc3], [0xc3, 0x28], [0xe2, 0x82],
    [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80], [0x80, 0x80],
    // The code points that represent bytes, here as a part of the original text.
    Array("\u{10feff}\u{10fe80}".utf8), Array("\u{10fec3}".utf8) + [0xe4],
  ]

  @Test("Other bytes read back unchanged, and messages show them", arguments: bytes)
  func others(bytes: [UInt8]) {
    let text = String(escaping: bytes)
    #expect(text.unescapedBytes == bytes)
    #expect(text.hasEscapedBytes)
    #expect(FilePath(escaped: text).escaped == text)
    #expect(!text.showingEscapedBytes.hasEscapedBytes)
  }

  @Test("Different bytes have different texts")
  func distinct() {
    #expect(Set(Self.bytes.map { String(escaping: $0) }).count == Self.bytes.count)
    #expect(String(escaping: [0x42, 0xe4, 0x72]).showingEscapedBytes == "B\\xe4r")
  }

  @Test("Random bytes read back unchanged")
  func random() {
    var random = SeededRandom(seed: 7)
    for length in 0..<200 {
      let bytes = random.bytes(length)
      #expect(String(escaping: bytes).unescapedBytes == bytes)
    }
  }

  @Test("Files whose names are not UTF-8 are listed separately, and removed")
  func directory() throws {
    let directory = try TemporaryDirectory()
    let files = POSIXFileSystem()
    let names = [[0x42, 0xe4, 0x72], [0x42, 0xf6, 0x72], [0x42, 0xc3, 0xa4, 0x72]] as [[UInt8]]
    let root = directory.path.appending("root")
    try files.createDirectory(root, permissions: .ownerReadWriteExecute)
    for name in names {
      let path = root.appending(entry: String(escaping: name))
      try files.createFile(path, permissions: .ownerReadWrite).close()
    }
    let listed = try files.list(root).map(\.name)
    #expect(Set(listed.map(\.unescapedBytes)) == Set(names))
    #expect(try files.metadata(of: root.appending(entry: listed[0])).kind == .file)
    try files.removeTree(root)
    #expect(try !files.exists(root))
  }
}
