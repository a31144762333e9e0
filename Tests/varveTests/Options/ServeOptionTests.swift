import ArgumentParser
import NBDProtocol
import NBDServer
import Testing

@testable import varve

@Suite struct ServeOptionTests {
  private func serve(_ words: String...) throws -> Serve {
    try #require(try Varve.parseAsRoot(["serve"] + words) as? Serve)
  }

  @Test func nothingIsListenedOnOverTCPUnlessAskedFor() throws {
    let passed = ListenAddress.inherited(descriptor: 3)
    let unix = ListenAddress.unix(path: "s")
    func addresses(_ words: String..., beside inherited: [ListenAddress] = []) throws
      -> [ListenAddress]
    {
      let command = try #require(try Varve.parseAsRoot(["serve"] + words) as? Serve)
      return command.listening.addresses(beside: inherited)
    }
    #expect(try addresses().isEmpty)
    #expect(try addresses("--unix", "s") == [unix])
    #expect(try addresses(beside: [passed]) == [passed])
    #expect(try addresses("--unix", "s", beside: [passed]) == [passed, unix])
    #expect(
      try addresses("--listen", "[::1]:1", "--unix", "s") == [.tcp(host: "::1", port: 1), unix])
  }

  @Test func modeAndOwnerAreForEverySocket() throws {
    let command = try serve(
      "--unix", "a", "--unix", "b", "--unix-mode", "0660", "--unix-owner", "7:8")
    let owner = SocketOwner(user: 7, group: 8)
    #expect(
      command.listening.addresses(beside: []) == [
        .unix(path: "a", mode: 0o660, owner: owner), .unix(path: "b", mode: 0o660, owner: owner),
      ])
  }

  @Test(arguments: ["600", "0600", "777", "000"])
  func modes(text: String) { #expect(FileMode(argument: text)?.bits == UInt32(text, radix: 8)) }

  @Test(arguments: ["", "6", "60", "999", "1777", "+60", "rw-", "00600"])
  func noModes(text: String) { #expect(FileMode(argument: text) == nil) }

  @Test func owners() {
    func owner(_ text: String) -> SocketOwner? { OwnerArgument(argument: text)?.owner }
    #expect(owner("root") == SocketOwner(user: 0, group: nil))
    #expect(owner("root:") == SocketOwner(user: 0, group: nil))
    #expect(owner(":root") == SocketOwner(user: nil, group: 0))
    #expect(owner("12:root") == SocketOwner(user: 12, group: 0))
    for text in ["", ":", "no such user", "root:no such group", "a:b:c"] {
      #expect(owner(text) == nil, "\(text)")
    }
  }

  @Test func credentialsAskForTLS() throws {
    #expect(try serve().encryption.settings == nil)
    #expect(try serve("--tls", "off").encryption.settings == nil)
    #expect(try serve("--tls-psk", "k").encryption.settings?.policy == .require)
    #expect(try serve("--tls", "on", "--tls-psk", "k").encryption.settings?.policy == .on)
    let named = try #require(
      try serve("--tls-certificates", "d", "--tls-allow", "a", "--tls-allow", "b").encryption
        .settings)
    #expect(named.allowedNames == ["a", "b"])
    #expect(named.verifiesClients)
    #expect(named.credentials == .certificates(directory: "d"))
    let anonymous = try #require(try serve("--tls-certificates", "d").encryption.settings)
    #expect(!anonymous.verifiesClients)
  }
}
