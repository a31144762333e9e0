package import ChunkFormat
import VolumeSources

/// A sign that a backup is not what it should be: a source was empty or lost most of its content,
/// or the job has other volumes than before.
package enum UnusualChange: Equatable, Sendable {
  /// The volume has no bytes at all.
  case empty(volume: String)
  /// The volume holds less than half of the data that it held before. Sizes in bytes.
  case lessData(volume: String, dataBytes: UInt64, before: UInt64)
  /// The volume has less than half of its former size. Sizes in bytes.
  case smaller(volume: String, sizeBytes: UInt64, before: UInt64)
  /// The job had no such volume before.
  case added(volume: String)
  /// The job had the volume before.
  case removed(volume: String)
}

/// Why a backup was refused, or what was accepted although it is unusual.
package struct UnusualBackup: Equatable, Sendable {
  package let changes: [UnusualChange]
  /// What it was compared with; nil for the first backup of a job.
  package let before: RevisionID?
}

/// A volume that has another size than before.
package struct ResizedVolume: Equatable, Sendable {
  package let name: String
  /// In bytes.
  package let oldSizeBytes: UInt64
  package let newSizeBytes: UInt64

  /// nil where the size is the same.
  package init?(from old: RevisionVolume, to new: RevisionVolume) {
    guard old.sizeBytes != new.sizeBytes else { return nil }
    name = new.name
    oldSizeBytes = old.sizeBytes
    newSizeBytes = new.sizeBytes
  }
}

/// Compares a backup with the revision before it.
struct ChangeCheck {
  /// nil for the first backup of a job.
  let before: Revision?

  /// What is unusual before anything was read. The size of a pipe is not known yet.
  func changes(in volumes: [BackupRequest.Volume]) -> [UnusualChange] {
    changes(ofNames: volumes.map(\.name))
      + volumes.compactMap { volume in
        volume.source.sizeBytes.flatMap { change(of: volume.name, sizeBytes: $0, dataBytes: nil) }
      }
  }

  /// What is unusual about the volumes as they were read.
  func changes(in volumes: [RevisionVolume]) -> [UnusualChange] {
    changes(ofNames: volumes.map(\.name))
      + volumes.compactMap {
        change(of: $0.name, sizeBytes: $0.sizeBytes, dataBytes: $0.statistics.dataBytes)
      }
  }

  func resized(_ volumes: [RevisionVolume]) -> [ResizedVolume] {
    volumes.compactMap { volume in
      before?.volume(named: volume.name).flatMap { ResizedVolume(from: $0, to: volume) }
    }
  }

  private func changes(ofNames names: [String]) -> [UnusualChange] {
    guard let before else { return [] }
    let known = before.volumes.map(\.name)
    return names.filter { !known.contains($0) }.map { .added(volume: $0) }
      + known.filter { !names.contains($0) }.map { .removed(volume: $0) }
  }

  private func change(
    of name: String, sizeBytes: UInt64, dataBytes: UInt64?
  ) -> UnusualChange? {
    if sizeBytes == 0 { return .empty(volume: name) }
    guard let old = before?.volume(named: name) else { return nil }
    if sizeBytes.isLessThanHalf(of: old.sizeBytes) {
      return .smaller(volume: name, sizeBytes: sizeBytes, before: old.sizeBytes)
    }
    guard let dataBytes, dataBytes.isLessThanHalf(of: old.statistics.dataBytes) else { return nil }
    return .lessData(volume: name, dataBytes: dataBytes, before: old.statistics.dataBytes)
  }
}

extension UInt64 {
  fileprivate func isLessThanHalf(of other: UInt64) -> Bool { self < other / 2 + other % 2 }
}
