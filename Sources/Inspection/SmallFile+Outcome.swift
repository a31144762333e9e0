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
    case .keySlot: .left("this key cannot open the repository", .replaceKey)
    case .revision: .left(nil, .restoreOrRemoveFile)
    case .marks: .left("the revision counts as distrusted", .removeMarks)
    case .session: .left("blocks garbage collection", .endSession)
    case .condemnation: .left("blocks backups", .removeCondemnation)
    case .pin: .left("blocks garbage collection", .restorePin(key.name))
    case .policies: .left("all policies are unreadable", .restorePolicies)
    case .quarantine: .left(nil, .reviewQuarantine)
    case .configuration, .dataPack, .mapPack: .left(nil, .restoreFile)
    }
  }
}
