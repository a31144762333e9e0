import ChunkFormat
import ChunkStore
import ObjectStorage
import Remedies

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

  /// The outcome of a finding about its damage where nothing was done: what follows, and what helps.
  var leftAsItIs: Finding.Outcome {
    switch kind {
    case .keySlot: .left("nobody can open the repository with this key", .replaceKey)
    case .revision: .left(nil, .restoreOrRemoveFile)
    case .marks: .left("the revision counts as distrusted", .removeMarks)
    case .session: .left("no garbage is collected as long as it is there", .endSession)
    case .condemnation: .left("nobody can back up with it", .removeCondemnation)
    case .pin: .left("no garbage is collected as long as it is there", .restorePin(key.name))
    case .policies: .left("no policy can be read", .restorePolicies)
    case .quarantine: .left(nil, .reviewQuarantine)
    case .configuration, .dataPack, .mapPack: .left(nil, .restoreFile)
    }
  }
}
