import Administration
import CalendarTime
import ChunkFormat
import ChunkStore
import Exports
import FileIO
import Glibc
import LocalDevices
import NBDServer
import NIOCore
import Overlays
import SystemPackage
import VolumeReader

extension SelectedVolume {
  /// - Throws: `ReferenceError`, also for one of several volumes that does not say which.
  init(_ reference: RevisionReference, in options: RepositoryOptions) throws {
    let (repository, secret) = try options.openKeepingSecret()
    try self.init(reference, in: repository, openedWith: secret)
    notices.warn()
  }

  /// What is remembered of it.
  func record(isWritable: Bool) -> LocalVolumeRecord {
    LocalVolumeRecord(
      repository: repository.absoluteRoot, volume: reference,
      created: Timestamp.now(), isWritable: isWritable)
  }

  /// What a server that serves only this volume has to offer.
  private func catalog() throws -> RevisionCatalog {
    try RevisionCatalog(
      repository: repository, references: [RevisionReference(reference)],
      context: .ofProgram())
  }

  /// What gives the volume groups on the disk an identity of their own.
  func changes(
    to identity: VolumeGroupIdentity, of physicalVolumes: [DiskInventory.Item]
  ) throws -> [PhysicalVolume.Change] {
    guard !physicalVolumes.isEmpty else { return [] }
    return try withContent { disk in
      try physicalVolumes.flatMap { item in
        try PhysicalVolume(on: disk.part(item.bytes))?.changes(to: identity).map { change in
          PhysicalVolume.Change(
            offsetBytes: item.bytes.lowerBound + change.offsetBytes, bytes: change.bytes)
        } ?? []
      }
    }
  }

  /// Makes an overlay of the revision in which the volume has these changes.
  func prepareOverlay(
    _ name: String, in directory: FilePath, _ changes: [PhysicalVolume.Change]
  ) throws {
    let store = try OverlayStore(
      in: directory, of: repository, context: .ofProgram())
    try store.create(name, on: entry)
    let catalog = WritableCatalog(
      base: try catalog(), mode: .named(try store.open(name), volume: volume.name))
    defer { try? catalog.close() }
    guard let export = try catalog.open("") else {
      throw Failure(.notFound, "revision \(entry.shortID) has just disappeared from the repository")
    }
    defer { export.close() }
    let writer = export.writer
    for change in changes {
      try change.bytes.withUnsafeBytes { try writer?.write($0, at: change.offsetBytes) }
    }
    try writer?.synchronize()
  }

  /// Calls `body` with its bytes.
  func withContent<Result>(_ body: (DiskContent) throws -> Result) throws -> Result {
    guard let export = try catalog().open("") else {
      throw Failure(.notFound, "revision \(entry.shortID) has just disappeared from the repository")
    }
    defer { export.close() }
    return try body(
      DiskContent(sizeBytes: export.volume.sizeBytes) { range in
        range.isEmpty ? [] : try export.volume.content(of: range).flatMap(\.bytes)
      })
  }
}

extension VolumePiece {
  fileprivate var bytes: [UInt8] {
    switch self {
    case .hole(let length): [UInt8](repeating: 0, count: Int(length))
    case .data(let content): Array(content.readableBytesView)
    }
  }
}
