package import ChildProcesses
package import ChunkFormat
package import ChunkStore

/// Why an operation was not carried out although nothing failed: the request contradicts the repository,
/// or needs a confirmation.
///
/// Each case carries what a front end needs to explain it and to say what can be done in its own terms:
/// an option, a button, a field of a request.
package enum Refusal: Error, Sendable {
  /// - Parameter present: the documents that the revision has.
  case noAttachment(String, of: RevisionID, job: String, present: [String])
  /// The job's revisions were all forgotten, though it had some when the operation began.
  case noRevisionLeft(job: String)
  /// The revisions share no name of a volume, and one of them has several.
  case noCommonVolume(older: ComparedNames, newer: ComparedNames)
  /// - Parameter present: the tags that the revision has.
  case noTag(String, of: RevisionID, job: String, present: [String])
  /// The times exclude each other: no revision can be of such a time.
  case emptyTimeRange
  /// The system's calendar does not reach as far as the time.
  case timeOffCalendar
  /// This machine does not know the time zone.
  case unknownTimeZone(String)
  /// The time zone of this machine is set to something that is none.
  case systemTimeZone(fault: String)
  /// The repository that content is to be read from is the one that is to be repaired.
  ///
  /// - Parameter path: its directory, as it was named.
  case sameRepository(_ path: String)
  case policy(OfPolicy)
  case forgetting(OfForgetting)
  case pin(OfPin)
  case key(OfKey)
  case serving(OfServing)
  case device(OfDevice)

  /// A revision as it was named, and its volumes.
  package struct ComparedNames: Equatable, Sendable {
    package let reference: String
    package let volumes: [String]
  }

  package enum OfPolicy: Sendable {
    /// Neither the job has a policy, nor is there a default.
    case none(job: String)
    /// The policy that is to be removed does not exist. `job` is nil for the default.
    case notStored(job: String?)
    /// Neither the request nor the repository has rules of retention.
    case noRules
    /// The request has no rules, and neither the job has a policy, nor is there a default.
    case nothingToApply(job: String)
  }

  package enum OfForgetting: Sendable {
    /// What was reported of the revision, or who reads it, changed before it was deleted. Nothing was.
    case changedMeanwhile(RevisionEntry)
    /// The name is that of a job, and may be meant for all its revisions or for the newest.
    case namesJob(String)
    /// The revisions are protected, or may be since their marks cannot be read.
    case protected([RevisionEntry])
    /// The revision cannot be read, and the name may be meant for it. Needs a confirmation.
    case mayMeanUnreadable(name: String, RevisionID)
    /// The revision cannot be read: what it holds, and whether it is protected, is not known. Needs a
    /// confirmation.
    case unreadable(RevisionID)
    /// No revision of the job would be left. Needs a confirmation.
    case wouldLeaveNone(job: String)
    /// Only distrusted and unusual revisions of the job would be left. Needs a confirmation.
    case wouldLeaveNoneUsable(job: String, left: Int)
  }

  package enum OfPin: Sendable {
    /// No pin has a name that begins so.
    case none(String)
    case ambiguous(String, among: [PinName])
    /// Which revision the pin keeps, and for what, is not known. Needs a confirmation.
    case unreadable(PinName)
    /// Its overlay may still exist. Needs a confirmation.
    case mayBeNeeded(DescribedPin)
  }

  package enum OfKey: Sendable {
    /// - Parameter repository: its directory.
    case none(String, repository: String)
    /// Several keys have ids that begin so.
    case ambiguous(String, among: [KeyID])
    /// Keys are chosen when a repository is created; this one has none.
    case notEncrypted(repository: String)
  }

  package enum OfServing: Sendable {
    /// An overlay is on one revision.
    case severalRevisions(overlay: String, [String])
    /// There is no such overlay, and no revision is named to make it on.
    case noOverlay(String)
    /// The overlay is on a revision of another job than the one that is named.
    case otherJob(overlay: String, of: String, reference: String, job: String)
  }

  package enum OfDevice: Sendable {
    /// A volume is mounted from the device.
    ///
    /// - Parameter volume: with job, whole id and volume.
    case deviceMounted(String, volume: String, at: String)
    /// A volume is attached to the device.
    case deviceAttached(String, volume: String)
    /// A volume is mounted at the directory.
    case directoryInUse(String, volume: String)
    /// Nothing was attached to the device here; somebody else may have connected it.
    case notAttached(String, isConnected: Bool)
    /// The device was not attached, but is there for a directory.
    case mounted(String, at: String)
    /// Nothing was mounted at the directory here.
    case notMounted(String)
    /// Something of this machine uses the device. The text says what.
    case deviceInUse(String)
    /// Something else is mounted over the directory.
    case mountedOver(String)
    /// umount(8) failed.
    ///
    /// - Parameter user: a process that has files open there, if one was found.
    case cannotUnmount(ChildProcessError, user: String?)
    /// mount(8) failed, and the kernel logged why.
    case kernelRefused(ChildProcessError, [String])
    /// There is no such directory to mount at.
    case notADirectory(String)
    /// No logical volume of the disk has the name, or several have.
    case noSuchLogicalVolume(
      String, isAmbiguous: Bool, disk: String, present: [AttachedDevice.LogicalVolume])
    /// The request names no logical volume, and the disk has none with a file system, or several.
    case noSingleFileSystem(
      hasSeveral: Bool, disk: String, present: [AttachedDevice.LogicalVolume])
  }
}
