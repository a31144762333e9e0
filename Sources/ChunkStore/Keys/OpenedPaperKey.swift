package import ChunkFormat
import ObjectStorage
package import Workers

/// The keys of a repository that nobody opens otherwise, from its paper key.
package struct OpenedPaperKey: Sendable {
  let ring: KeyRing
  let keys: RepositoryKeys
  let environment: RepositoryEnvironment

  /// Adds a key slot and returns its name.
  package func add(_ new: NewKey, context: WorkContext) throws(StoreError) -> KeyID {
    let lock = try ring.lock()
    defer { lock.release() }
    return try ring.add(
      keys, secret: new.secret, label: new.label, created: context.now(),
      cost: environment.passphraseCost)
  }
}
