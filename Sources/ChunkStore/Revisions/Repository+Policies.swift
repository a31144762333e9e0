package import ChunkFormat
import ObjectStorage
import Remedies

extension Repository {
  /// How long revisions are kept, as it was written down; nothing where nobody did.
  ///
  /// - Throws: ``StoreError``: `.damaged`, `.unsupported` for rules of a later program.
  package func retentionPolicies() throws(StoreError) -> RetentionPolicies {
    do throws(StoreError) {
      return try objects.read(.policies, as: storage.place(of: .policies), gone: "")
    } catch  where error.code == .notFound {
      return RetentionPolicies()
    } catch  where error.code == .damaged {
      throw StoreError(.damaged, error.message, cause: error, remedy: .replacePolicies)
    }
  }

  /// Writes down how long revisions are kept; changes by others at the same time are not lost.
  ///
  /// - Parameter replacing: told why what was written down is damaged; nothing takes its place then, and
  ///   is changed. Nil to leave what is damaged alone.
  /// - Throws: ``StoreError``, also `.invalidRequest` for what the file cannot hold; and what `change`
  ///   throws.
  package func updateRetentionPolicies(
    replacing: ((StoreError) -> Void)? = nil, _ change: (inout RetentionPolicies) throws -> Void
  ) throws {
    let lock = try revisionObjects.lockMarks()
    defer { lock.release() }
    var current: RetentionPolicies?
    do throws(StoreError) {
      current = try retentionPolicies()
    } catch {
      guard error.code == .damaged, let replacing else { throw error }
      replacing(error)
    }
    var policies = current ?? RetentionPolicies()
    try change(&policies)
    guard policies != current else { return }
    try write(policies)
  }

  /// For whoever holds the lock on marks.
  func write(_ policies: RetentionPolicies) throws(StoreError) {
    try objects.write(policies, to: .policies, as: storage.place(of: .policies))
  }
}
