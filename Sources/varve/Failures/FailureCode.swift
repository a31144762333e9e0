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

  /// What helps, as far as the kind of failure tells; nil where only the message can.
  var remedy: String? {
    switch self {
    case .usage: "see the command's --help"
    case .notARepository: "name the repository with --repository, or create one with 'varve init'"
    case .damaged: "'varve check-repository' shows what is affected, 'varve repair' brings it back"
    case .lost: "'varve repair --from' brings content back from another repository"
    case .unsupported: "use a newer version of varve"
    case .wrongKey: "open the repository with another passphrase or key file"
    case .unconfirmed: "check what the command is about to do, and confirm it with --yes"
    case .protected: "'varve unprotect' lets the revision go, or add --force-protected"
    case .unusual: "check the source; if it is right, add --accept-unusual"
    case .inUse: "wait until the other command has ended"
    case .pinned: "remove the overlay, or release its pin with 'varve pin release'"
    case .noSpace: "free space, for example with 'varve prune' and 'varve gc'"
    case .readOnly: "mount the file system so that it can be written to"
    case .permissionDenied: "run the command as a user who may do that"
    case .tooSmall: "restore to a larger target"
    case .interrupted, .notFound, .alreadyExists, .invalidRequest, .notIdentical, .inputOutput,
      .failed:
      nil
    }
  }
}
