import Administration
import NBDProtocol
import NBDServer
import Testing

@Suite struct ExportURITests {
  private func uri(
    _ address: NBDServer.ListeningAddress, _ name: String = "", _ tls: TLSPolicy = .off,
    user: String? = nil
  ) -> String {
    ExportURI(address: address, exportName: name, tls: tls, user: user).description
  }

  @Test func ofTCP() {
    #expect(uri(.tcp(host: "127.0.0.1", port: 10809)) == "nbd://127.0.0.1/")
    #expect(uri(.tcp(host: "192.0.2.7", port: 1), "disk") == "nbd://192.0.2.7:1/disk")
    #expect(uri(.tcp(host: "2001:db8::7", port: 2)) == "nbd://[2001:db8::7]:2/")
  }

  @Test func everyAddressIsThisMachineToo() {
    #expect(uri(.tcp(host: "0.0.0.0", port: 10809)) == "nbd://localhost/")
    #expect(uri(.tcp(host: "::", port: 7)) == "nbd://localhost:7/")
  }

  @Test func namesAndPathsAreEscaped() {
    #expect(
      uri(.unix(path: "/run/a b%?&#.sock"), "web01@2026-11-20T14:30/vda é")
        == "nbd+unix:///web01%402026-11-20T14%3A30/vda%20%C3%A9?socket=/run/a%20b%25%3F%26%23.sock")
  }

  @Test func encryptionIsAskedForWhereItIsRequired() {
    let (tcp, unix) = (
      NBDServer.ListeningAddress.tcp(host: "a", port: 10809),
      NBDServer.ListeningAddress.unix(path: "/s")
    )
    #expect(uri(tcp, "x", .on, user: "alice") == "nbd://a/x")
    #expect(uri(tcp, "x", .require) == "nbds://a/x")
    #expect(uri(tcp, "x", .require, user: "al@ice") == "nbds://al%40ice@a/x")
    #expect(uri(unix, "x", .require, user: "alice") == "nbds+unix://alice@/x?socket=/s")
  }
}
