import Administration
import BackupEngine
import ChunkFormat

extension ResizedVolume {
  /// `volume 'vda' grew from 2.00 MiB to 1.00 GiB`.
  var text: String {
    let change = newSizeBytes > oldSizeBytes ? "grew" : "shrank"
    return "volume '\(name)' \(change) from \(Quantities.exact(oldSizeBytes)) to "
      + Quantities.exact(newSizeBytes)
  }
}
