import NBDTestSupport
import NBDProtocol
import TestSupport
import Testing

@testable import NBDServer

@Suite("TLS with certificates")
struct CertificateTests {
  private let authority: CertificateAuthority
  private let serverDirectory: String
  private let volume = MemoryVolume(sizeBytes: 4 << 20)

  init() throws {
    authority = try CertificateAuthority()
    serverDirectory = try authority.server()
  }

  private func settings(verify: Bool = false, allowed: Set<String> = []) -> TLSSettings {
    TLSSettings(
      policy: .require, credentials: .certificates(directory: serverDirectory),
      verifiesClients: verify, allowedNames: allowed)
  }

  private func server(verify: Bool = false, allowed: Set<String> = []) throws -> RunningServer {
    try RunningServer(volume) { $0.tls = settings(verify: verify, allowed: allowed) }
  }

  /// Creates a directory with the authority's certificate, but without a client certificate.
  private func anonymous(_ authority: CertificateAuthority) throws -> String {
    let directory = try authority.client("nobody")
    try Command.run("rm", "\(directory)/client-cert.pem", "\(directory)/client-key.pem")
    return directory
  }

  private func connect(
    _ directory: String, to server: RunningServer
  ) throws -> EncryptedClient {
    try EncryptedClient(.certificates(directory: directory), server.tcp)
  }

  @Test("a client can read without a certificate unless one is required")
  func anonymousClient() throws {
    let open = try server()
    let client = try connect(anonymous(authority), to: open)
    #expect(try client.read(at: 1, count: 1 << 20) == volume.bytes(1..<1 + 1 << 20))
    #expect(open.server.connections.first?.activity.tlsName == nil)
    let closed = try server(verify: true)
    #expect(throws: EncryptedClient.Failure.self) {
      try connect(anonymous(authority), to: closed).read(at: 0, count: 1)
    }
    #expect(eventually { closed.log.all.contains { $0.contains("sent no certificate") } })
  }

  @Test("client and server refuse certificates of different authorities")
  func otherAuthority() throws {
    let other = try CertificateAuthority()
    let mallory = try other.client("mallory")
    #expect(throws: EncryptedClient.Failure.self) { try connect(mallory, to: server()) }
    // The client trusts the server, but the server does not trust the client.
    try Command.run("cp", "\(serverDirectory)/ca-cert.pem", mallory)
    let closed = try server(verify: true)
    #expect(throws: EncryptedClient.Failure.self) {
      try connect(mallory, to: closed).read(at: 0, count: 1)
    }
    #expect(
      eventually {
        closed.log.all.contains { $0.contains("'mallory' is not signed by an authority") }
      })
  }

  @Test(
    "only clients with an allowed common or alternative name are admitted",
    arguments: [
      (["web01"], true), (["backup.example", "x"], true), (["admin@example.org"], true),
      (["10.1.2.3"], true), (["2001:db8::7"], true), (["urn:varve:web01"], true),
      (["web02"], false), (["web0"], false), (["WEB01"], false),
    ])
  func allowedNames(names: [String], isAllowed: Bool) throws {
    let client = try authority.client(
      "web01",
      names: [
        "DNS:backup.example", "email:admin@example.org", "IP:10.1.2.3", "IP:2001:db8::7",
        "URI:urn:varve:web01",
      ])
    let server = try server(allowed: Set(names))
    guard isAllowed else {
      #expect(throws: EncryptedClient.Failure.self) {
        try connect(client, to: server).read(at: 0, count: 1)
      }
      let refusal = "client 'web01' is not allowed"
      #expect(eventually { server.log.all.contains { $0.contains(refusal) } })
      #expect(server.server.connections.allSatisfy { $0.export == nil })
      return
    }
    #expect(try connect(client, to: server).read(at: 0, count: 1) == volume.bytes(0..<1))
  }

  @Test("allowed names always require certificates")
  func allowedNamesImplyVerification() throws {
    let server = try server(allowed: ["nobody"])
    #expect(throws: EncryptedClient.Failure.self) {
      try connect(anonymous(authority), to: server).read(at: 0, count: 1)
    }
  }

  @Test("a replaced certificate is used after a reload")
  func reloading() throws {
    let server = try server()
    let other = try CertificateAuthority()
    let client = try anonymous(other)
    #expect(throws: EncryptedClient.Failure.self) { try connect(client, to: server) }
    let replacement = try other.server()
    for name in ["server-cert.pem", "server-key.pem"] {
      try Command.run("cp", "\(replacement)/\(name)", serverDirectory)
    }
    try server.server.reloadTLS()
    #expect(try connect(client, to: server).read(at: 0, count: 1) == volume.bytes(0..<1))
  }

  @Test(
    "an error names the faulty file",
    arguments: [
      ("rm D/server-cert.pem", "server-cert.pem", "cannot read it: No such file"),
      ("rm D/server-key.pem", "server-key.pem", "cannot read it: No such file"),
      ("rm D/ca-cert.pem", "ca-cert.pem", "cannot read it: No such file"),
      ("echo x > D/server-cert.pem", "server-cert.pem", "contains no certificate"),
      ("cp D/server-cert.pem D/server-key.pem", "server-key.pem", "contains no private key"),
      (
        "openssl genpkey -quiet -algorithm ed25519 -out D/server-key.pem", "server-key.pem",
        "does not belong to the certificate"
      ),
      (
        "openssl pkey -in D/server-key.pem -aes128 -passout pass:x -out D/new && "
          + "mv D/new D/server-key.pem", "server-key.pem", "encrypted with a passphrase"
      ),
      ("touch D/ca-crl.pem", "ca-crl.pem", "revocation lists"),
      ("rm -r D", "", "there is no such directory"),
      ("head -c 2000000 /dev/zero > D/server-key.pem", "server-key.pem", "too large"),
    ])
  func brokenFiles(command: String, file: String, reason: String) throws {
    let shell = command.replacing("D/", with: "\(serverDirectory)/")
      .replacing("-r D", with: "-r \(serverDirectory)").replacing("-quiet ", with: "")
    try Command.run("sh", "-c", shell)
    let error = #expect(throws: TLSError.self) { try TLSSource(settings(verify: true)) }
    #expect(error?.file.hasSuffix(file) == true, "\(error?.file ?? "")")
    #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
  }

  @Test("keys that every user can read and expired certificates cause warnings")
  func warnings() throws {
    #expect(try TLSSource(settings()).current.warnings.isEmpty)
    try Command.run("chmod", "644", "\(serverDirectory)/server-key.pem")
    #expect(try TLSSource(settings()).current.warnings.count == 1)
  }
}
