import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Overlays
import SystemPackage
import TestSupport
import VolumeMap
import VolumeReader
import VolumeSources

/// A directory for overlays beside the repository, and revisions of several volumes.
extension Workplace {
  var overlays: FilePath { directory.appending("overlays") }

  func store(of repository: Repository? = nil) throws -> OverlayStore {
    try OverlayStore(in: overlays, of: repository ?? self.repository, context: context)
  }

  /// Backs up disks as a revision of `web01`.
  func backUp(_ disks: (name: String, bytes: [UInt8])..., document: String? = nil) throws
    -> RevisionEntry
  {
    let volumes = try disks.map { name, bytes in
      BackupRequest.Volume(name: name, source: try openSource(try disk(name, bytes).string))
    }
    var request = BackupRequest(job: "web01", volumes: volumes, program: "test")
    request.documents = (document.map { [($0, Array($0.utf8))] } ?? []).map {
      BackupRequest.Document(name: $0.0, bytes: $0.1)
    }
    return try run(request)
  }

  /// Creates a revision and verifies all of it.
  func run(_ request: BackupRequest) throws -> RevisionEntry {
    var request = request
    request.verification = .full
    // The tests may change disks in unusual ways.
    request.acceptsUnusual = true
    let report = try Backup(
      repository: repository, request: request, context: context
    ).run()
    guard report.verification.isClean, report.verification.changedAtSource == 0 else {
      throw EngineError(.damaged, "\(report.verification)")
    }
    return try repository.revision(report.id)
  }

  func reader(of volume: String, in entry: RevisionEntry) throws -> VolumeReader {
    let described = try entry.revision.volume(named: volume).required()
    return VolumeReader(
      name: volume, map: try repository.map(of: described),
      nodes: NodeCache(reading: repository.nodeReader),
      fetcher: try ChunkFetcher(
        source: StoreRecords(repository.records),
        chunkSizeBytes: repository.configuration.chunkSizeBytes))
  }

  func bytes(of volume: String, in entry: RevisionEntry) throws -> [UInt8] {
    let reader = try reader(of: volume, in: entry)
    return reader.sizeBytes == 0 ? [] : try reader.content(of: 0..<reader.sizeBytes).bytes
  }

  /// Returns a volume of the overlay as its clients see it.
  func volume(_ name: String, of overlay: NamedOverlay) throws -> OverlaidVolume {
    try OverlaidVolume(
      base: try reader(of: name, in: overlay.revision()), overlay: overlay.volume(name))
  }

  /// Returns all files of the repository with their content, except the index, sessions and pins.
  func repositoryContent() throws -> [String: [UInt8]] {
    let files = POSIXFileSystem()
    var content: [String: [UInt8]] = [:]
    func visit(_ path: FilePath) throws {
      for entry in try files.list(path)
      where !["index", "sessions", "pins"].contains(entry.name) {
        let child = path.appending(entry.name)
        if entry.kind == .directory {
          try visit(child)
        } else {
          content[child.string] = try files.readAll(child, limitBytes: 1 << 30)
        }
      }
    }
    try visit(repository.root)
    return content
  }
}

extension Optional {
  fileprivate func required() throws -> Wrapped {
    guard let self else { throw EngineError(.invalidRequest, "there is no such volume") }
    return self
  }
}
