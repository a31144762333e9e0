/// The options of a collection.
package struct CollectionSettings: Sendable {
  /// Whether to only report what would be freed.
  package var isDryRun = false
  /// Whether a collection may delete most of the store.
  package var allowsLargeShare = false
  /// Whether to continue although revisions, or content that they need, are missing. If such
  /// content comes back later, it may depend on content that is deleted now.
  package var acceptsLosses = false
  /// The greatest number of bytes to copy when packs are rewritten or merged. Nil for no limit.
  package var copiedBytesLimit: UInt64?
  /// The time after which copying ends, counted from the start of the collection. Nil for no limit.
  package var timeLimit: Duration?
  /// A pack is rewritten if its share of garbage, from 0 to 1, is greater than this.
  package var leastDeadShare = 0.3
  /// A pack shorter than this, in bytes, is small and may be merged with others.
  package var smallPackBytes: UInt64 = 8 << 20
  /// Small packs of one kind are merged if there are at least this many.
  package var leastSmallPacks = 8

  /// To delete a greater share of the store, a collection needs ``allowsLargeShare``.
  static let usualShare = 0.5

  package init() {}
}
