package import ChunkStore
package import JSONText

/// Gives a job another name; its history, policy and deltas stay.
package struct JobRenamingRequest: Sendable {
  package let job: String
  package let newName: String

  package init(_ job: String, to newName: String) {
    (self.job, self.newName) = (job, newName)
  }

  /// - Throws: `StoreError`, `ReferenceError`.
  package func run(on repository: Repository) throws -> JobRenamingOutcome {
    JobRenamingOutcome(
      job: newName, formerName: job, renamed: try repository.renameJob(job, to: newName))
  }
}

package struct JobRenamingOutcome: Sendable {
  package let job: String
  package let formerName: String
  package let renamed: RenamedJob

  /// The document `renamed-job`.
  package var json: JSON {
    .object([
      "job": .string(job),
      "formerName": .string(formerName),
      "revisions": .integer(Int64(renamed.revisions)),
      "hasPolicy": .bool(renamed.hasPolicy),
      "isContinued": .bool(renamed.isContinued),
    ])
  }
}
