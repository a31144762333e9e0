/// The kinds of failure that programs tell apart, as `--json` prints them.
enum FailureCode: String, CaseIterable, Sendable {
  /// The command line is wrong.
  case usage
  /// A signal stopped the command.
  case interrupted
  case notARepository = "not-a-repository"
  /// A job, revision, volume, file or device is not there.
  case notFound = "not-found"
  case alreadyExists = "already-exists"
  /// Bytes are not what they should be.
  case damaged
  /// Content that is needed is nowhere.
  case lost
  /// A newer program is needed.
  case unsupported
  case wrongKey = "wrong-key"
  /// The request contradicts itself, or the rules of the repository.
  case invalidRequest = "invalid-request"
  /// The request needs an explicit yes.
  case unconfirmed
  /// The revision is protected.
  case protected
  /// A source is empty, lost most of its content, or has other volumes than before.
  case unusual
  /// Somebody else uses what this command needs alone.
  case inUse = "in-use"
  /// A pin keeps the revision.
  case pinned
  case noSpace = "no-space"
  case readOnly = "read-only"
  case permissionDenied = "permission-denied"
  /// The target is smaller than the volume.
  case tooSmall = "too-small"
  /// What was written does not read back as it was.
  case notIdentical = "not-identical"
  /// A source, a target or the repository's storage failed.
  case inputOutput = "input-output"
  /// Any other failure; the message says which.
  case failed
}
