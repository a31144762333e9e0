/// How garbage is collected.
package struct CollectionSettings: Sendable {
  /// Only finds out what would be freed.
  package var isDryRun = false
  /// Deletes even most of the store.
  package var allowsLargeShare = false
  /// Continues although revisions, or content that they need, are missing. Such content may come
  /// back later and depend on something that is deleted now.
  package var acceptsLosses = false
  /// The most bytes of needed records that are copied out of packs with much garbage; nil for no
  /// limit.
  package var copiedBytesLimit: UInt64?
  /// Copying ends after this time; nil for no limit.
  package var timeLimit: Duration?
  /// A pack with a greater share of garbage is rewritten.
  package var leastDeadShare = 0.3
  /// A shorter pack, in bytes, is small and is merged with others.
  package var smallPackBytes: UInt64 = 8 << 20
  /// At least this many small packs of a kind are merged.
  package var leastSmallPacks = 8

  /// Deleting a greater share of the store needs permission.
  static let usualShare = 0.5

  package init() {}
}
