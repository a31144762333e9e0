import Testing

@testable import NBDServer

/// The content of a name for a client that reconnects.
@Suite struct KeptNamesTests {
  private let names = KeptNames()

  private func client(
    _ host: String = "", process: Int32? = nil, tlsName: String? = nil
  ) -> ClientIdentity {
    ClientIdentity(host: host, process: process, tlsName: tlsName)
  }

  private func use(_ client: ClientIdentity, _ canonicalName: String) -> KeptNames.Use {
    KeptNames.Use(client: client, name: "web01@latest", canonicalName: canonicalName)
  }

  private func meaning(to client: ClientIdentity) throws -> String? {
    try names.meaning(of: "web01@latest", to: client)
  }

  @Test func furtherConnectionsOfAClientSeeTheSame() throws {
    let first = use(client("192.0.2.1"), "web01@aa")
    #expect(try meaning(to: first.client) == nil)
    names.entered(first)
    names.entered(first)
    #expect(try meaning(to: first.client) == "web01@aa")
    #expect(try names.meaning(of: "web01@0", to: first.client) == nil)
    for other in [client("192.0.2.2"), client("192.0.2.1", tlsName: "web01"), client()] {
      #expect(try meaning(to: other) == nil)
    }
    names.left(first, isOrderly: true)
    #expect(try meaning(to: first.client) == "web01@aa")
    names.left(first, isOrderly: true)
    #expect(try meaning(to: first.client) == nil)
  }

  @Test func otherProcessesOfAMachineSeeTheNewest() throws {
    names.entered(use(client(process: 1), "web01@aa"))
    #expect(try meaning(to: client(process: 1)) == "web01@aa")
    #expect(try meaning(to: client(process: 2)) == nil)
  }

  /// `nbd-client -persist` reconnects from another process.
  @Test func aBrokenConnectionKeepsTheNameUntilOneEndsInGoodOrder() throws {
    let broken = use(client(process: 1), "web01@aa")
    names.entered(broken)
    names.left(broken, isOrderly: false)
    #expect(try meaning(to: client(process: 2)) == "web01@aa")
    let again = use(client(process: 2), "web01@aa")
    names.entered(again)
    #expect(try meaning(to: client(process: 3)) == "web01@aa")
    names.left(again, isOrderly: true)
    #expect(try meaning(to: client(process: 2)) == nil)
  }

  @Test func whereTwoMeaningsAreKeptTheNameIsRefused() throws {
    for (process, canonicalName) in [(1, "web01@aa"), (2, "web01@bb")] as [(Int32, String)] {
      let use = use(client(process: process), canonicalName)
      names.entered(use)
      names.left(use, isOrderly: false)
    }
    let error = #expect(throws: NoSuchExport.self) { try meaning(to: client(process: 3)) }
    #expect(error?.reason.contains("web01@aa and web01@bb") == true)
  }

  @Test func anIDNeedsNotBeKept() throws {
    let use = KeptNames.Use(
      client: client(), name: "web01@aa", canonicalName: "web01@aa")
    names.entered(use)
    names.left(use, isOrderly: false)
    #expect(try names.meaning(of: "web01@aa", to: client()) == nil)
  }

  @Test func memoryIsBounded() throws {
    for number in 0..<5000 {
      let use = KeptNames.Use(
        client: client(), name: "web01@\(number)", canonicalName: "web01@aa")
      names.entered(use)
      names.left(use, isOrderly: false)
    }
    #expect(try names.meaning(of: "web01@0", to: client()) == nil)
    #expect(try names.meaning(of: "web01@4999", to: client()) == "web01@aa")
  }
}
