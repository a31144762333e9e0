import ChunkFormat
import ChunkStore
import ObjectStorage

extension RepositoryCensus.SmallFile {
  /// The subject of a finding about the file.
  var subject: Finding.Subject {
    switch kind {
    case .keySlot: .key
    case .revision: .revision
    case .marks: .marks
    case .session: .session
    case .quarantine: .quarantine
    case .pin: .pin
    default: .other
    }
  }

  /// What can be done about its damage.
  var advice: String {
    switch kind {
    case .keySlot:
      "nobody can open the repository with this key; 'varve key remove' removes it, 'varve key add' "
        + "adds another"
    case .revision: "bring the file back from another copy of the repository, or remove it"
    case .marks:
      "the revision counts as distrusted; remove the file to go back to what was said at the backup"
    case .session:
      "end the process that has it open, which 'fuser' names; no garbage is collected before"
    case .condemnation:
      "nobody can back up with it; 'varve gc' or 'varve check-repository --fix' removes it, and nothing is "
        + "lost by that"
    case .pin:
      "bring the file back from another copy of the repository, or give the pin up with 'varve pin "
        + "release \(key.name) --yes'; no garbage is collected before"
    case .policies:
      "bring the file back from another copy of the repository, or set the policies anew, of which "
        + "none is left then"
    case .quarantine: "'varve check-repository --fix' looks at all packs anew and removes it"
    case .configuration, .dataPack, .mapPack:
      "bring the file back from another copy of the repository"
    }
  }
}
