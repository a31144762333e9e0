import ChildProcesses
import Testing

@testable import varve

@Suite struct CommandWordsTests {
  private func words(_ words: String...) -> [String] {
    CommandWords(words, reaching: "/tmp/a b/socket").launch.words
  }

  @Test func oneWordIsTheShells() {
    #expect(words("nbdinfo $uri") == ["/bin/sh", "-c", "nbdinfo $uri"])
    #expect(words("ls") == ["/bin/sh", "-c", "ls"])
  }

  @Test func ofSeveralTheVariablesAreReplaced() {
    let uri = "nbd+unix:///?socket=/tmp/a%20b/socket"
    #expect(words("nbdinfo", "$uri") == ["nbdinfo", uri])
    #expect(words("x", "a$uri/${uri}b") == ["x", "a\(uri)/\(uri)b"])
    #expect(words("x", "$unixsocket:$exportname.") == ["x", "/tmp/a b/socket:."])
  }

  @Test(
    "what is left alone",
    arguments: [
      "$", "$$", "$uri2", "$uri_", "${uri", "${uri2}", "$HOME", "a$", "$1", "${}", "plain",
    ])
  func otherWords(word: String) { #expect(words("x", word) == ["x", word]) }
}
