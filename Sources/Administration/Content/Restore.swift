package import BackupEngine
package import ChunkFormat
package import ChunkStore
package import JSONText
package import VolumeTargets
package import Workers

/// Writes a volume of a revision to a target.
package struct RestoreRequest: Sendable {
  /// With the volume, where the revision has several.
  package let revision: RevisionReference
  /// What takes the place of content that cannot be read; nil to stop there.
  package var fill: DamageFill?
  /// Whether the target is read back and compared.
  package var verifies = false

  package init(revision: RevisionReference) { self.revision = revision }

  /// Looks up what is to be restored; the target is not needed yet.
  ///
  /// - Throws: `ReferenceError`, `StoreError`, or a ``NoticedFailure`` with one of these.
  package func prepare(on repository: Repository) throws -> PreparedRestore {
    try [Notice].collecting { notices in
      let listing = try notices.listing(of: repository)
      let entry = try notices.revision(revision, in: listing)
      return PreparedRestore(
        repository: repository, request: self, entry: entry,
        volume: try revision.volume(of: entry.revision), notices: notices)
    }
  }
}

/// A volume that is about to be restored.
package struct PreparedRestore: Sendable {
  private let repository: Repository
  fileprivate let request: RestoreRequest
  package let entry: RevisionEntry
  package let volume: RevisionVolume
  package let notices: [Notice]

  fileprivate init(
    repository: Repository, request: RestoreRequest, entry: RevisionEntry, volume: RevisionVolume,
    notices: [Notice]
  ) {
    (self.repository, self.request) = (repository, request)
    (self.entry, self.volume, self.notices) = (entry, volume, notices)
  }

  /// - Throws: `EngineError`, `StoreError`, `RestoreTargetError`.
  package func run(
    to target: any RestoreTarget, context: WorkContext
  ) throws -> RestoreOutcome {
    var options = RestoreOptions()
    options.fillPattern = request.fill?.pattern
    options.verifies = request.verifies
    let restore = Restore(
      repository: repository, entry: entry, volume: volume, target: target, options: options,
      context: context)
    let start = ContinuousClock.now
    let report = try restore.run()
    return RestoreOutcome(
      report: report, restored: self, target: target.name,
      seconds: start.duration(to: .now) / .seconds(1))
  }
}

package struct RestoreOutcome: Sendable {
  package let report: RestoreReport
  package let restored: PreparedRestore
  package let target: String
  package let seconds: Double

  /// What fills the gaps; nil where there are none.
  package var fill: DamageFill? { report.gaps.isEmpty ? nil : restored.request.fill }

  /// The document `restore`.
  package var json: JSON {
    .object([
      "revision": .string(restored.entry.id.description),
      "job": .string(restored.entry.revision.job),
      "volume": .string(restored.volume.name),
      "target": .string(target),
      "sizeBytes": .unsigned(report.sizeBytes),
      "dataBytes": .unsigned(report.dataBytes),
      "durationSeconds": .seconds(seconds),
      "isVerified": .bool(report.isVerified),
      "fill": .optional(fill?.description),
      "gaps": .array(
        report.gaps.map { gap in
          .object([
            "offsetBytes": .unsigned(gap.offsetBytes), "lengthBytes": .unsigned(gap.lengthBytes),
            "pack": .optional(gap.pack), "message": .string(gap.message),
          ])
        }),
      "warnings": .strings(restored.notices.map(\.description)),
    ])
  }
}
