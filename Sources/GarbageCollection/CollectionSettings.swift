/// How garbage is collected.
package struct CollectionSettings: Sendable {
  /// Only finds out what would be freed.
  package var isDryRun = false
  /// Deletes even where that is most of the store.
  package var allowsLargeShare = false
  /// Goes on where revisions, or content that they need, are lost: what comes back later may lean on what
  /// is deleted now.
  package var acceptsLosses = false
  /// At most so many bytes of needed records are copied out of packs that hold much garbage; nil for as
  /// many as there are.
  package var copiedBytesLimit: UInt64?
  /// Nothing more is copied when this has passed; nil for no limit.
  package var timeLimit: Duration?
  /// A pack with more garbage than this is rewritten.
  package var leastDeadShare = 0.3
  /// A pack shorter than this many bytes is small, and is merged with others.
  package var smallPackBytes: UInt64 = 8 << 20
  /// So many small packs of a kind are worth merging.
  package var leastSmallPacks = 8

  /// Deleting more than this share of the store needs to be allowed.
  static let usualShare = 0.5

  package init() {}
}
