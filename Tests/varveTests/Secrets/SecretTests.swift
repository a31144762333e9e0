import ChunkFormat
import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import varve

@Suite struct SecretTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func text(_ secret: SecretBytes) -> String {
    secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    "one end of the line is not part of a passphrase",
    arguments: [
      ("correct horse", "correct horse"), ("correct horse\n", "correct horse"),
      ("correct horse\r\n", "correct horse"), ("two\n\n", "two\n"), (" spaces \n", " spaces "),
      ("\r", "\r"),
    ])
  func passphraseFiles(content: String, passphrase: String) throws {
    let path = try directory.file("passphrase", Array(content.utf8))
    #expect(text(try SecretFile(path: path.string).passphrase()) == passphrase)
  }

  @Test(
    "passphrases that pass through a file",
    arguments: ["plain", "two\n", "\r", "cr\r", "crlf\r\n", "\n\n", " \n\r"])
  func passedOn(passphrase: String) {
    #expect(text(SecretBytes(passphrase).withLineEndKept().withoutLineEnd()) == passphrase)
  }

  @Test("refused", arguments: ["", "\n"])
  func emptyPassphraseFiles(content: String) throws {
    let path = try directory.file("passphrase", Array(content.utf8))
    #expect(throws: Failure.self) { try SecretFile(path: path.string).passphrase() }
  }

  @Test func aKeyFileIsTakenAsItIs() throws {
    let path = try directory.file("key", [1, 2, 10])
    let key = try SecretFile(path: path.string).key()
    #expect(key.withUnsafeBytes { Array($0) } == [1, 2, 10])
  }

  @Test func whatIsTooLargeIsNoSecret() throws {
    let bytes = [UInt8](repeating: 65, count: SecretFile.limitBytes)
    let largest = try directory.file("largest", bytes)
    #expect(try SecretFile(path: largest.string).key().count == bytes.count)
    let larger = try directory.file("larger", bytes + [65])
    let error = #expect(throws: Failure.self) { try SecretFile(path: larger.string).key() }
    #expect(error?.description.contains("too large") == true)
  }

  @Test func aKeyFileIsMadeOnceAndForItsOwnerOnly() throws {
    let path = directory.appending("new.key").string
    let key = try SecretFile(path: path).withKeyMadeIfMissing { $0 }
    #expect(key.count >= KeySlot.minimumKeyFileBytes)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
    #expect(try SecretFile(path: path).withKeyMadeIfMissing { $0.equals(key) })
    #expect(try SecretFile(path: path).key().equals(key))
  }

  @Test func aKeyFileThatOpensNothingIsRemovedAndOthersStay() throws {
    let path = directory.appending("new.key").string
    #expect(throws: Failure.self) {
      try SecretFile(path: path).withKeyMadeIfMissing { _ in throw Failure(.failed, "refused") }
    }
    #expect(try POSIXFileSystem().list(FilePath("\(directory.path)")).isEmpty)
    let old = try directory.file("old.key", [UInt8](repeating: 7, count: 64)).string
    #expect(throws: Failure.self) {
      try SecretFile(path: old).withKeyMadeIfMissing { _ in throw Failure(.failed, "refused") }
    }
    #expect(try SecretFile(path: old).key().count == 64)
  }

  static let faults: [([UInt8], PassphraseFault)] = [
    ([], .empty), ([0xef, 0xbb, 0xbf] + Array("secret".utf8), .byteOrderMark),
    (Array("sec\0ret".utf8), .zeroByte), (Array("secret\r".utf8), .carriageReturn),
    (Array("one\ntwo".utf8), .secondLine), (Array("secret\n".utf8), .secondLine),
    ([UInt8](repeating: 65, count: 4096), .tooLong(bytes: 4096)),
  ]

  @Test("new passphrases that not every way of giving them gives alike", arguments: faults)
  func unsound(bytes: [UInt8], fault: PassphraseFault) {
    #expect(PassphraseFault(in: bytes.withUnsafeBytes { SecretBytes(copying: $0) }) == fault)
  }

  @Test(
    "passphrases of any other kind",
    arguments: [
      "x", " spaces ", "tab\t", "naïve 日本", "e\u{301}", String(repeating: "x", count: 4095),
    ])
  func sound(passphrase: String) {
    #expect(PassphraseFault(in: SecretBytes(passphrase)) == nil)
  }

  @Test func theEnvironmentGivesBytesThatAreNoText() {
    setenv("VARVE_TEST_SECRET", [CChar(bitPattern: 0xe4), 65, 0], 1)
    defer { unsetenv("VARVE_TEST_SECRET") }
    let secret = SecretBytes.ofVariable("VARVE_TEST_SECRET")
    #expect(secret.withUnsafeBytes { Array($0) } == [0xe4, 65])
  }

  @Test(
    "what a command prints",
    arguments: [
      ("printf secret", "secret"), ("echo secret", "secret"), ("echo one; echo two", "one\ntwo"),
      ("cat; echo secret", "secret"),
    ])
  func commands(command: String, passphrase: String) throws {
    #expect(text(try PassphraseCommand(command).run()) == passphrase)
  }

  @Test(
    "commands that fail",
    arguments: [
      ("exit 3", "exit status 3"), ("echo secret; false", "exit status 1"),
      ("kill -9 $$", "signal 9"),
      ("true", "printed nothing"), ("no-such-command-here", "exit status 127"),
      ("head -c 70000 /dev/zero", "more than 65536 bytes"),
    ])
  func failingCommands(command: String, hint: String) throws {
    let error = try #require(throws: Failure.self) { try PassphraseCommand(command).run() }
    #expect(error.description.contains(hint), "\(error)")
  }
}
