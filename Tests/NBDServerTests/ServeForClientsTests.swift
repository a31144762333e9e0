import Glibc
import NBDServer
import Testing

/// Serves a disk in memory for as long as a person wants to try clients on it, or measure it:
///
///     VARVE_SERVE_MEMORY=/tmp/nbd.sock VARVE_SERVE_MEMORY_MIB=1024 swift test --filter ServeForClients
///
/// and stops when the file `/tmp/nbd.sock.stop` appears.
@Suite("A server for real clients", .enabled(if: getenv("VARVE_SERVE_MEMORY") != nil))
struct ServeForClientsTests {
  @Test("serves until told to stop")
  func serve() throws {
    let path = String(cString: getenv("VARVE_SERVE_MEMORY"))
    let sizeMiB = getenv("VARVE_SERVE_MEMORY_MIB").flatMap { UInt64(String(cString: $0)) } ?? 64
    let catalog = MemoryCatalog(
      devices: [
        "full": MemoryDevice(sizeBytes: sizeMiB << 20),
        "sparse": MemoryDevice(sizeBytes: 100 << 20 + 511) { $0 % 3 != 0 },
        "cold": MemoryDevice(sizeBytes: 64 << 20, isCached: false),
        "damaged": MemoryDevice(sizeBytes: 8 << 20, isCached: false, damagedChunk: 9),
      ],
      defaultName: "full")
    let server = try RunningServer(catalog) {
      $0.addresses = [.unix(path: path), .tcp(host: "127.0.0.1", port: 0)]
    }
    print("serving on \(server.server.listeningAddresses)")
    while access(path + ".stop", F_OK) != 0 { usleep(100_000) }
    server.stop()
    unlink(path + ".stop")
  }
}
