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
      "copy it back from another copy of the repository; if it was empty and a copy left it out, run "
        + "'varve check-repository --fix' to create it"
    case .importKey:
      "copy the directory back from another copy of the repository, or add a key from the paper key "
        + "with 'varve key import'"
    case .finishRenaming(let old, let new):
      "run 'varve rename-job \(old) \(new)' to finish it first"
    case .replacePolicies: "'varve policy set' replaces the file; the policies in it are lost"
    case .restoreRevision:
      "copy its file back from another copy of the repository, or delete it with 'varve forget ID --yes'"
    case .restorePin(let name):
      "copy 'pins/\(name)' back from another copy of the repository, or release the pin with "
        + "'varve pin release \(name) --yes'"
    case .releasePin(let name):
      "remove the overlay, or release its pin with 'varve pin release \(name) --yes'"
    case .listPins: "run 'varve pin list' to list the pins"
    case .copyLess: "use --max-copy to copy less at a time"
    case .endIndexRebuilds:
      "stop 'varve index rebuild' and other varve commands, then run 'varve gc' again"
    case .restoreLostRevisions:
      "copy the missing files in 'revisions' back from another copy of the repository; or accept their "
        + "loss with 'varve gc --accept-losses', and release their pins with 'varve pin release'"
    case .restoreLostRecords:
      "run 'varve check-repository' to list the revisions; then copy the packs back, run "
        + "'varve repair --from' with another repository, forget those revisions, or accept the loss with "
        + "'varve gc --accept-losses'"
    case .confirmLargeShare:
      "check that 'varve revisions' lists all revisions, then use --yes"
    case .checkRepository: "run 'varve check-repository' for details"
    case .verifyEverything: "run 'varve verify --all' to find the damage again"
    case .repairOrFillGaps:
      "run 'varve repair --from' with another repository to get the content, or use --skip-damaged to "
        + "restore the rest"
    case .makeDirectory: "run 'varve check-repository --fix' to create it"
    case .savePack: "run 'varve check-repository --fix' to save its intact records"
    case .reviewQuarantine:
      "run 'varve check-repository --fix' to read all packs again and remove the file"
    case .removeCondemnation:
      "run 'varve gc' or 'varve check-repository --fix' to remove the file; no data is lost"
    case .rebuildIndex: "run 'varve index rebuild' to create a new index"
    case .replaceKey: "remove it with 'varve key remove', and add another with 'varve key add'"
    case .restoreFile: "copy the file back from another copy of the repository"
    case .restoreOrRemoveFile:
      "copy the file back from another copy of the repository, or remove it"
    case .restorePolicies:
      "copy the file back from another copy of the repository, or set the policies again"
    case .removeMarks: "remove the file to return to the tags and trust set at the backup"
    case .restoreRevisionsFirst:
      "copy 'revisions' back from another copy of the repository before running 'varve gc'"
    case .restoreMarkedRevision:
      "copy it back from another copy of the repository, or accept its loss with "
        + "'varve gc --accept-losses'"
    case .endSession: "end the process that has it open; 'fuser' shows which one"
    case .retryWithoutBackups: "try again when no backup is running"
    case .listOverlays: "run 'varve overlay list' to list the overlays"
    case .chooseOverlayDirectory: "choose another directory with --overlay-directory"
    case .removeOverlay(let name): "remove it with 'varve overlay remove \(name)'"
    case .overwriteTarget: "use --force to overwrite it"
    case .nameClients: "remove it, and name the accepted clients with --tls-allow"
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
    case .damaged:
      "run 'varve check-repository' to see what is affected, and 'varve repair --from' to repair it from another repository"
    case .lost: "run 'varve repair --from' to get the content from another repository"
    case .unsupported: "use a newer version of varve"
    case .wrongKey: "check the passphrase or key file"
    case .unconfirmed: "check what the command would do, then confirm with --yes"
    case .protected: "run 'varve unprotect' first, or use --force-protected"
    case .unusual: "check the source; if it is right, use --accept-unusual"
    case .inUse: "end or unmount what the message names, or wait for it; then try again"
    case .pinned: "remove the overlay, or release its pin with 'varve pin release'"
    case .noSpace: "free space on the file system that the message names"
    case .readOnly: "mount the file system read-write"
    case .permissionDenied: "run the command as a user with the necessary permissions"
    case .tooSmall: "restore to a larger target"
    case .interrupted, .notFound, .alreadyExists, .invalidRequest, .notIdentical, .inputOutput,
      .failed:
      nil
    }
  }
}
