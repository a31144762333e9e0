import Administration
import Remedies

extension RemedyWording {
  /// In terms of this command line.
  static let commandLine = RemedyWording(\.words)
}

extension Error {
  /// What the error says and what can be done, as this command line words it.
  var textWithRemedies: String { RemedyWording.commandLine.text(self) }
}

extension Warning {
  /// What the warning says and what can be done, as this command line words it.
  var textWithRemedies: String { RemedyWording.commandLine.text(description, remedies) }
}

extension Notice {
  /// What the notice says and what can be done, as this command line words it.
  var textWithRemedies: String { RemedyWording.commandLine.text(description, remedies) }
}

extension Remedy {
  /// The remedy in terms of this command line: a clause that follows what an error says.
  var words: String {
    switch self {
    case .createRepository:
      "name the repository with --repository, or create one with 'varve init'"
    case .encryptAtCreation: "encryption is chosen with 'varve init --encrypt'"
    case .restoreDirectory:
      "bring it back from another copy; or, if it was left out when the repository was copied because "
        + "it was empty, 'varve check-repository --fix' makes it again"
    case .importKey:
      "bring the directory back from another copy, or add a key with the one from paper, 'varve key "
        + "import'"
    case .finishRenaming(let old, let new):
      "finish that first, with 'varve rename-job \(old) \(new)'"
    case .replacePolicies: "'varve policy set' writes the file anew, without what it held"
    case .restoreRevision:
      "bring its file back from a copy of the repository, or give it up with 'varve forget ID --yes'"
    case .restorePin(let name):
      "bring 'pins/\(name)' back from another copy of the repository, or give the pin up with "
        + "'varve pin release \(name) --yes'"
    case .releasePin(let name):
      "remove the overlay, or give it up with 'varve pin release \(name) --yes'"
    case .listPins: "'varve pin list' lists the pins"
    case .copyLess: "with --max-copy less is copied at a time"
    case .endIndexRebuilds: "end 'varve index rebuild' and what else runs, and collect again"
    case .restoreLostRevisions:
      "bring what is missing in 'revisions' back from another copy of the repository, or give it up "
        + "with --accept-losses, and its pins with 'varve pin release'"
    case .restoreLostRecords:
      "'varve check-repository' names the revisions; put the packs back, 'varve repair' from another "
        + "repository, forget those revisions, or give up what is lost with --accept-losses"
    case .confirmLargeShare:
      "check whether 'varve revisions' lists all revisions, and if so use --yes"
    case .checkRepository: "'varve check-repository' says more"
    case .verifyEverything: "'varve verify --all' finds it"
    case .repairOrFillGaps:
      "'varve repair' may bring it back; --skip-damaged fills such gaps and lists them"
    case .makeDirectory: "'varve check-repository --fix' makes it"
    case .savePack: "'varve check-repository --fix' saves what is intact"
    case .reviewQuarantine:
      "'varve check-repository --fix' looks at all packs anew and removes it"
    case .removeCondemnation:
      "'varve gc' or 'varve check-repository --fix' removes it, and nothing is lost by that"
    case .rebuildIndex: "'varve index rebuild' makes it anew"
    case .replaceKey: "'varve key remove' removes it, 'varve key add' adds another"
    case .restoreFile: "bring the file back from another copy of the repository"
    case .restoreOrRemoveFile:
      "bring the file back from another copy of the repository, or remove it"
    case .restorePolicies:
      "bring the file back from another copy of the repository, or set the policies anew"
    case .removeMarks: "remove the file to go back to what was said at the backup"
    case .restoreRevisionsFirst:
      "bring 'revisions' back from another copy of the repository before 'varve gc' runs"
    case .restoreMarkedRevision:
      "bring it back from another copy of the repository, or give it up with 'varve gc --accept-losses'"
    case .endSession: "end the process that has it open, which 'fuser' names"
    case .retryWithoutBackups: "try again when nobody backs up"
    case .listOverlays: "'varve overlay list' shows what there is"
    case .chooseOverlayDirectory: "choose another place with --overlay-directory"
    case .removeOverlay(let name): "'varve overlay remove \(name)' removes it"
    case .overwriteTarget: "use --force to overwrite it"
    case .nameClients: "remove it, and say with --tls-allow whose certificates are good"
    }
  }
}

extension FailureCode {
  /// What helps where the error itself knows no remedy, as far as the kind of failure tells; nil where
  /// only the message can.
  var remedy: String? {
    switch self {
    case .usage: "see the command's --help"
    case .notARepository: Remedy.createRepository.words
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
