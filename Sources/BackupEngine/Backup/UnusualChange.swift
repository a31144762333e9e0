package import ChunkFormat
import VolumeSources

/// A sign that a backup may be wrong: a source is empty or has lost most of its content, or the
/// volumes of the job have changed.
package enum UnusualChange: Equatable, Sendable {
  /// The volume has a size of zero.
  case empty(volume: String)
  /// The volume has less than half of its former data. Sizes are in bytes.
  case lessData(volume: String, dataBytes: UInt64, before: UInt64)
  /// The volume has less than half of its former size. Sizes are in bytes.
  case smaller(volume: String, sizeBytes: UInt64, before: UInt64)
  /// The previous revision has no such volume.
  case added(volume: String)
  /// The previous revision has a volume that is now missing.
  case removed(volume: String)
}

/// The unusual changes because of which a backup was refused, or that were accepted.
package struct UnusualBackup: Equatable, Sendable {
  package let changes: [UnusualChange]
  /// The revision used for comparison. Nil for the first backup of a job.
  package let before: RevisionID?
}

/// A volume with another size than before.
package struct ResizedVolume: Equatable, Sendable {
  package let name: String
  /// In bytes.
  package let oldSizeBytes: UInt64
  package let newSizeBytes: UInt64

  /// Nil if the size is the same.
  package init?(from old: RevisionVolume, to new: RevisionVolume) {
    guard old.sizeBytes != new.sizeBytes else { return nil }
    name = new.name
    oldSizeBytes = old.sizeBytes
    newSizeBytes = new.sizeBytes
  }
}

/// Compares a backup with the revision before it.
struct ChangeCheck {
  /// Nil for the first backup of a job.
  let before: Revision?

  /// Returns the unusual changes that are known before reading. The size of a pipe is not known
  /// yet.
  func changes(in volumes: [BackupRequest.Volume]) -> [UnusualChange] {
    changes(ofNames: volumes.map(\.name))
      + volumes.compactMap { volume in
        volume.source.sizeBytes.flatMap { change(of: volume.name, sizeBytes: $0, dataBytes: nil) }
      }
  }

  /// Returns the unusual changes of the volumes after reading.
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
