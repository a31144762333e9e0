import Administration
import ChildProcesses
import ChunkFormat
import ChunkStore
import FileIO
import Glibc
import SystemPackage

/// Starts `varve serve` for a volume that is attached or mounted.
struct PrivateServer: VolumeServerLauncher {
  func launch(
    _ server: VolumeServer, noting note: (LastingProcess) throws -> Void
  ) throws -> LastingProcess {
    let pipe = try Pipe()
    var launch = ProcessLaunch(["varve"] + arguments(of: server))
    launch.path = Self.program
    launch.extraDescriptor = pipe.reading.rawValue
    let process = try LastingProcess(launch, name: "the server")
    try note(process)
    try pass(server.volume.secret, into: pipe.writing)
    return process
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

  private func arguments(of server: VolumeServer) -> [String] {
    let volume = server.volume
    var words = [
      "serve", volume.reference, "--repository", volume.repository.absoluteRoot,
      "--unix", server.socket, "--whole-sectors",
    ]
    if let overlay = server.overlay {
      words += ["--overlay", overlay.name, "--overlay-directory", overlay.directory.escaped]
    }
    return words + secretArguments(volume.secret)
  }

  private func secretArguments(_ secret: UnlockSecret?) -> [String] {
    let file = "/dev/fd/\(ProcessLaunch.extraNumber)"
    return switch secret {
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

extension DeviceEnvironment {
  /// Where `attach` and `mount` record what they set up.
  static let variable = "VARVE_LOCAL_VOLUMES"

  static var records: FilePath {
    FilePath(escaped: Environment[variable] ?? "/var/lib/varve/local-volumes")
  }

  static func ofProgram() -> DeviceEnvironment {
    DeviceEnvironment(records: records, launcher: PrivateServer(), context: .ofProgram())
  }
}

extension SelectedVolume {
  /// - Throws: `ReferenceError`, also for one of several volumes that does not say which.
  init(_ reference: RevisionReference, in options: RepositoryOptions) throws {
    let (repository, secret) = try options.openKeepingSecret()
    try self.init(reference, in: repository, openedWith: secret)
    notices.warn()
  }
}
