import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Inspection
import SystemPackage
import TestSupport
import Testing
import Workers

/// A repository with two revisions of one job and one of another, for tests that damage and repair
/// its packs.
struct InspectedPlace {
  static let chunkBytes = 64 << 10

  let workplace: Workplace
  let disk: FilePath
  let bytes: [UInt8]
  let otherDisk: FilePath
  let files = POSIXFileSystem()

  /// Creates the repository and its revisions.
  ///
  /// - Parameter chunks: the number of chunks of the first disk, all incompressible.
  init(encrypted: Bool = false, chunks: Int = 12) throws {
    workplace = try Workplace(encrypted: encrypted, inMemory: true)
    var random = SeededRandom(seed: 1)
    bytes = random.bytes(chunks * Self.chunkBytes)
    disk = try workplace.disk("disk", bytes)
    otherDisk = try workplace.disk("other", random.bytes(4 * Self.chunkBytes))
    try workplace.backUp(disk)
    try workplace.backUp(otherDisk, job: "other") {
      $0.documents = [BackupRequest.Document(name: "domain.xml", bytes: Array("<domain/>".utf8))]
    }
    try workplace.backUp(disk)
  }

  var root: FilePath { workplace.repository.root }

  /// Opens the repository as a new process does, with its own index on request.
  func open(freshIndex: Bool = false) throws -> Repository {
    var environment = workplace.environment
    if freshIndex {
      environment.indexDirectory = workplace.directory.appending(
        "index-\(UInt64.random(in: .min ... .max))")
    }
    return try Repository.open(at: root, environment: environment) { Workplace.passphrase }
  }

  func inspect(
    _ repository: Repository? = nil, mends: Bool = false,
    depth: RepositoryInspection.PackDepth = .full
  ) throws -> InspectionReport {
    try RepositoryInspection(
      repository: try repository ?? open(), depth: depth, mends: mends,
      context: workplace.context
    ).run()
  }

  func verify(_ repository: Repository? = nil) throws -> VerificationReport {
    let repository = try repository ?? open()
    return try Verification(
      repository: repository, entries: try repository.revisions().entries, policy: .full,
      context: workplace.context
    ).run()
  }

  /// Returns the pack with the first disk's chunks.
  func dataPack() throws -> FilePath {
    let packs = try workplace.packs("data")
    let sizes = try packs.map { try files.metadata(of: $0).sizeBytes }
    return packs[sizes.firstIndex(of: sizes.max()!)!]
  }

  /// Returns the offset of the content of record `number` in a data pack.
  func contentOffset(ofRecord number: Int) -> UInt64 {
    let overhead = workplace.repository.configuration.isEncrypted ? 72 + 32 : 72
    return UInt64(64 + number * (Self.chunkBytes + overhead) + 72)
  }

  func flip(_ path: FilePath, at offset: UInt64, bit: UInt8 = 1) throws {
    let file = try files.openFile(path, for: .readingAndWriting)
    defer { file.close() }
    var byte: [UInt8] = [0]
    _ = try byte.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
    try [byte[0] ^ bit].withUnsafeBytes { try file.write($0, at: offset) }
  }

  /// Copies the repository as a copy tool does.
  func copy(to name: String) throws -> FilePath {
    let destination = workplace.directory.appending(name)
    try copyTree(root, destination)
    return destination
  }

  private func copyTree(_ source: FilePath, _ destination: FilePath) throws {
    try files.createDirectory(destination, permissions: [.ownerReadWriteExecute])
    for entry in try files.list(source) where entry.name != "index" {
      let (from, to) = (source.appending(entry.name), destination.appending(entry.name))
      if entry.kind == .directory {
        try copyTree(from, to)
      } else {
        try files.writeDurably(
          try files.readAll(from, limitBytes: 1 << 30), to: to, permissions: [.ownerReadWrite])
      }
    }
  }
}
