/// What a user can do about a failure.
///
/// A remedy names a step, never a command or an option: each front end words it in its own terms. All
/// remedies are in one list since the step is seldom one of the module that failed: what the store finds
/// damaged, an inspection repairs.
package enum Remedy: Hashable, Sendable {
  // MARK: Repository

  /// Name another repository, or create one there.
  case createRepository
  /// Encryption is chosen when a repository is created.
  case encryptAtCreation
  /// Bring a directory back from a copy; or, if a copy left it out since it was empty, make it again.
  case restoreDirectory
  /// Bring the directory of keys back from a copy, or add a key with the printed one.
  case importKey
  /// Finish renaming the job.
  case finishRenaming(from: String, to: String)
  /// Write the policies anew; what the file held is lost.
  case replacePolicies

  // MARK: Revisions and pins

  /// Bring the file of the revision back from a copy, or give the revision up.
  case restoreRevision
  /// Bring the file of the pin back from a copy, or release the pin.
  case restorePin(String)
  /// Remove the overlay that the pin is for, or release the pin.
  case releasePin(String)
  /// Find out which pins there are.
  case listPins

  // MARK: Collecting garbage

  /// Copy less at a time.
  case copyLess
  /// End what rebuilds the index again and again, then collect.
  case endIndexRebuilds
  /// Bring missing revisions back from a copy, or accept their loss and release their pins.
  case restoreLostRevisions
  /// Bring missing packs back, repair from another repository, delete the revisions that need them, or
  /// accept the loss.
  case restoreLostRecords
  /// See that all revisions are listed, and confirm.
  case confirmLargeShare

  // MARK: Damage

  /// Check the repository to learn more.
  case checkRepository
  /// Verify everything, which finds damage again that a lost report named.
  case verifyEverything
  /// Repair from another repository, or restore around what is damaged.
  case repairOrFillGaps
  /// Let an inspection repair: it makes the directory that is missing.
  case makeDirectory
  /// Let an inspection repair: it saves the intact records of the pack.
  case savePack
  /// Let an inspection repair: it reads all packs again and removes the report.
  case reviewQuarantine
  /// Collect garbage, or let an inspection repair: both remove the condemnation.
  case removeCondemnation
  /// Rebuild the index.
  case rebuildIndex
  /// Remove the key, and add another.
  case replaceKey
  /// Bring the file back from a copy.
  case restoreFile
  /// Bring the file back from a copy, or remove it.
  case restoreOrRemoveFile
  /// Bring the policies back from a copy, or set them again.
  case restorePolicies
  /// Remove the marks; those of the backup count then.
  case removeMarks
  /// Bring all revisions back from a copy before garbage is collected.
  case restoreRevisionsFirst
  /// Bring a revision that only its marks remain of back from a copy, or accept its loss.
  case restoreMarkedRevision
  /// End the process of the session.
  case endSession
  /// Try again when no backup runs.
  case retryWithoutBackups

  // MARK: Overlays, targets, servers

  /// Find out which overlays there are.
  case listOverlays
  /// Choose another directory for overlays.
  case chooseOverlayDirectory
  /// Remove the overlay.
  case removeOverlay(String)
  /// Say that the target may be overwritten.
  case overwriteTarget
  /// Remove the list of revoked certificates, and name the clients that may connect.
  case nameClients
}
