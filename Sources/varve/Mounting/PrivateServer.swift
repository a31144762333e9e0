import Administration
import ChildProcesses
import ChunkFormat
import ChunkStore
import FileIO
import Glibc
import LocalDevices
import SystemPackage

/// A `varve serve` for one volume that stays when this program has gone, on a Unix socket that only
/// this user reaches.
struct PrivateServer {
  /// Opening the repository may take long where it lies far away.
  private static let patience = Duration.seconds(120)
  /// The only overlay of its directory.
  private static let overlayName = "writes"

  let volume: SelectedVolume
  let local: LocalVolume
  /// What clients find changed from the beginning.
  var changes: [PhysicalVolume.Change] = []

  /// Returns when the server listens.
  func start() throws {
    if !changes.isEmpty { try volume.prepareOverlay(Self.overlayName, in: local.overlays, changes) }
    let server = try launch()
    try server.waitUntilReady(patience: Self.patience, cancellation: Interruption.shared.flag) {
      UnixSocket.answers(at: local.socket)
    }
  }

  private func launch() throws -> LastingProcess {
    let pipe = try Pipe()
    var launch = ProcessLaunch(["varve"] + arguments)
    launch.path = Self.program
    launch.extraDescriptor = pipe.reading.rawValue
    let server = try LastingProcess(launch, name: "the server")
    try local.note { $0.server = server.identity }
    try pass(volume.secret, into: pipe.writing)
    return server
  }

  /// As the server reads it, which takes one end of the line off a passphrase.
  private func pass(_ secret: UnlockSecret?, into pipe: borrowing Descriptor) throws {
    let bytes: SecretBytes
    switch secret {
    case .passphrase(let passphrase): bytes = passphrase.withLineEndKept()
    case .keyFile(let key): bytes = key
    case nil: return
    }
    let outcome: Result<Void, Errno> = bytes.withUnsafeBytes { bytes in
      Result { () throws(Errno) in try pipe.writeNext(bytes) }
    }
    // Without a reader: the server has ended, and will be asked why.
    if case .failure(let error) = outcome, error != .brokenPipe { throw error }
  }

  private var arguments: [String] {
    [
      "serve", volume.reference, "--repository", volume.repository.absoluteRoot,
      "--unix", local.socket, "--whole-sectors",
    ] + overlayArguments + secretArguments
  }

  /// Shared by all connections, and there again for those that come back.
  private var overlayArguments: [String] {
    guard local.record.isWritable || !changes.isEmpty else { return [] }
    return ["--overlay", Self.overlayName, "--overlay-directory", local.overlays.escaped]
  }

  private var secretArguments: [String] {
    let file = "/dev/fd/\(ProcessLaunch.extraNumber)"
    return switch volume.secret {
    case .passphrase: ["--passphrase-file", file]
    case .keyFile: ["--key-file", file]
    case nil: []
    }
  }

  /// The file of this program, as it is called; where it has been replaced since, what runs.
  private static var program: String {
    var name = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &name, Int(PATH_MAX))
    let bytes = name.prefix(max(0, count)).map(UInt8.init(bitPattern:))
    let path = String(escaping: bytes)
    return path.withUnescapedCString { access($0, X_OK) } == 0 ? path : "/proc/self/exe"
  }
}
