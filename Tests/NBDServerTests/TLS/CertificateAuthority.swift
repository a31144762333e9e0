import FileIO
import SystemPackage
import TestSupport

/// Creates certificates with the openssl program, as a user does.
struct CertificateAuthority {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    try Self.request(
      subject: "/CN=Test authority", key: path("ca-key.pem"), certificate: path("ca-cert.pem"))
  }

  private func path(_ name: String) -> String { directory.appending(name).string }

  /// Creates a directory for a server or a client in the layout of QEMU, nbdkit and libnbd.
  ///
  /// - Parameter names: alternative names, such as `DNS:backup.example`.
  func directory(_ role: String, commonName: String, names: [String]) throws -> String {
    let place = path("\(role)-\(commonName)")
    try Command.run("mkdir", "-p", place)
    try Command.run("cp", path("ca-cert.pem"), place)
    try Self.request(
      subject: "/CN=\(commonName)", key: "\(place)/\(role)-key.pem",
      certificate: "\(place)/\(role)-cert.pem",
      more: [
        "-CA", path("ca-cert.pem"), "-CAkey", path("ca-key.pem"), "-addext",
        "subjectAltName=\(names.joined(separator: ","))", "-addext",
        "basicConstraints=critical,CA:FALSE",
      ])
    return place
  }

  /// Creates a server directory for the address at which the tests reach their server.
  func server() throws -> String {
    try directory("server", commonName: "localhost", names: ["DNS:localhost", "IP:127.0.0.1"])
  }

  func client(_ name: String, names: [String] = ["DNS:client.example"]) throws -> String {
    try directory("client", commonName: name, names: names)
  }

  private static func request(
    subject: String, key: String, certificate: String, more: [String] = []
  ) throws {
    try Command.run(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj", subject, "-keyout", key,
        "-out", certificate,
      ] + more)
    try Command.run("chmod", "600", key)
  }
}
