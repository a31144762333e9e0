package import ChunkFormat
package import Remedies
package import VolumeSources

/// What to back up, and the options for it.
package struct BackupRequest: Sendable {
  /// A volume and its source.
  package struct Volume: Sendable {
    package let name: String
    package let source: any VolumeSource

    package init(name: String, source: any VolumeSource) {
      self.name = name
      self.source = source
    }
  }

  /// A document to store with the volumes.
  package struct Document: Sendable {
    package let name: String
    package let bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  package var job: String
  package var volumes: [Volume]
  package var documents: [Document] = []
  /// The revision to build on, if it is not the newest revision of the job. The sources report
  /// their changes since this revision. The backup reuses ranges that they report as unchanged
  /// without reading them, unless the revision is distrusted.
  package var parent: RevisionID?
  package var tags: [String] = []
  /// Whether to create a revision despite unusual changes, see ``UnusualChange``. The revision is
  /// then marked as unusual.
  package var acceptsUnusual = false
  package var verification = VerificationPolicy.automatic
  /// Whether a chunk that changed little may be stored as a delta of its old content.
  package var usesDeltas = true
  /// The name and the version of the program. The revision records them.
  package var program: String

  package init(job: String, volumes: [Volume], program: String) {
    self.job = job
    self.volumes = volumes
    self.program = program
  }

  /// Checks the names and the sizes.
  ///
  /// - Throws: ``EngineError`` with `.invalidRequest`.
  func check() throws(EngineError) {
    for name in [job] + volumes.map(\.name) + tags where !Name.isValid(name) {
      throw EngineError(.invalidRequest, "'\(name)' is not a valid name: \(Name.rule)")
    }
    guard !volumes.isEmpty, Set(volumes.map(\.name)).count == volumes.count else {
      throw EngineError(
        .invalidRequest, "a backup needs one or more volumes, each with its own name")
    }
    guard Set(documents.map(\.name)).count == documents.count else {
      throw EngineError(.invalidRequest, "two attachments have the same name")
    }
    for document in documents where document.bytes.count > Attachment.maximumBytes {
      throw EngineError(
        .invalidRequest,
        "attachment '\(document.name)' has \(document.bytes.count) bytes; at most "
          + "\(Attachment.maximumBytes) are allowed")
    }
  }
}

/// The result of a backup.
package struct BackupReport: Sendable {
  package let id: RevisionID
  package let revision: Revision
  /// The size of the written packs, including maps and documents.
  package let storedBytes: UInt64
  package let verification: VerificationReport
  /// Unusual changes that were accepted.
  package let unusual: [UnusualChange]
  /// Volumes with another size than in the previous revision.
  package let resized: [ResizedVolume]
  /// Problems that did not stop the backup.
  package let warnings: [Warning]
}
