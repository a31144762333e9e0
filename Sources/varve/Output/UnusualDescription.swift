import Administration
import BackupEngine
import ChunkFormat

extension UnusualChange {
  /// `volume 'vda' is empty (0 B)`.
  var text: String {
    switch self {
    case .empty(let volume): "volume '\(volume)' is empty (0 B)"
    case .lessData(let volume, let bytes, let before):
      "volume '\(volume)' holds \(Quantities.bytes(bytes)) of data, before \(Quantities.bytes(before))"
    case .smaller(let volume, let bytes, let before):
      "volume '\(volume)' has \(Quantities.bytes(bytes)), before \(Quantities.bytes(before))"
    case .added(let volume): "volume '\(volume)' is new to the job"
    case .removed(let volume): "volume '\(volume)' is missing"
    }
  }
}

extension ResizedVolume {
  /// `volume 'vda' grew from 2.00 MiB to 1.00 GiB`.
  var text: String {
    let change = newSizeBytes > oldSizeBytes ? "grew" : "shrank"
    return "volume '\(name)' \(change) from \(Quantities.exact(oldSizeBytes)) to "
      + Quantities.exact(newSizeBytes)
  }
}
