import CalendarTime
import ChunkFormat
import ChunkStore
import Exports
import FileIO
import LocalDevices
import NBDServer
import NIOCore
import Overlays
import SystemPackage
import VolumeReader
import Workers

extension SelectedVolume {
  /// What is remembered of it.
  func record(isWritable: Bool, created: Timestamp) -> LocalVolumeRecord {
    LocalVolumeRecord(
      repository: repository.absoluteRoot, volume: reference,
      created: created, isWritable: isWritable)
  }

  /// What a server that serves only this volume has to offer.
  private func catalog(_ context: WorkContext) throws -> RevisionCatalog {
    try RevisionCatalog(
      repository: repository, references: [RevisionReference(reference)],
      context: context)
  }

  /// What gives the volume groups on the disk an identity of their own.
  func changes(
    to identity: VolumeGroupIdentity, of physicalVolumes: [DiskInventory.Item],
    _ context: WorkContext
  ) throws -> [PhysicalVolume.Change] {
    guard !physicalVolumes.isEmpty else { return [] }
    return try withContent(context) { disk in
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
    _ name: String, in directory: FilePath, _ changes: [PhysicalVolume.Change],
    _ context: WorkContext
  ) throws {
    let store = try OverlayStore(in: directory, of: repository, context: context)
    try store.create(name, on: entry)
    let catalog = WritableCatalog(
      base: try catalog(context), mode: .named(try store.open(name), volume: volume.name))
    defer { try? catalog.close() }
    guard let export = try catalog.open("") else {
      throw StoreError(.notFound, "revision \(entry.shortID) was forgotten a moment ago")
    }
    defer { export.close() }
    let writer = export.writer
    for change in changes {
      try change.bytes.withUnsafeBytes { try writer?.write($0, at: change.offsetBytes) }
    }
    try writer?.synchronize()
  }

  /// Calls `body` with its bytes.
  func withContent<Result>(
    _ context: WorkContext, _ body: (DiskContent) throws -> Result
  ) throws -> Result {
    guard let export = try catalog(context).open("") else {
      throw StoreError(.notFound, "revision \(entry.shortID) was forgotten a moment ago")
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
