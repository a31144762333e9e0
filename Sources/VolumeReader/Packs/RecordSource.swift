package import ChunkFormat

/// A pack for reading. May block. Several threads use it at once.
package protocol PackReading: AnyObject, Sendable {
  var id: PackID { get }

  /// The keys that decrypt its records.
  var seal: PackSeal { get }

  /// Fills `buffer` with the bytes of the pack from `offsetBytes` on, or throws.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64) throws
}

/// The functions of a store that readers need. May block. Several threads call them at once.
package protocol RecordSource: Sendable {
  /// Returns the best copy of each record, in the order of `ids`. Nil for a record without a known
  /// copy.
  func locations(of ids: [ContentID]) throws -> [PackedRecord?]

  /// Returns the plaintext of one record by all available means: from another copy if one is
  /// damaged, and after a new search if packs have moved.
  ///
  /// - Parameter plainBytes: the length of the plaintext, if it is known.
  func content(of id: ContentID, type: RecordType, plainBytes: Int?) throws -> [UInt8]
}

/// The location of a copy of a record.
package struct PackedRecord: Sendable {
  package let pack: any PackReading
  package let entry: PackEntry

  package init(pack: any PackReading, entry: PackEntry) {
    self.pack = pack
    self.entry = entry
  }

  /// Whether the index entry is plausible for a chunk; the index is only a cache. The entry must be
  /// a chunk, must not need more memory than a chunk can, and must not be a delta if it is to serve
  /// as a base.
  func isPlausibleChunk(isBase: Bool, lengthLimitBytes: Int) -> Bool {
    entry.type == .chunk && entry.plainBytes > 0 && entry.plainBytes <= lengthLimitBytes
      && entry.rangeInPack.count <= RecordLimits.maximumRecordBytes
      && !(isBase && entry.base != nil)
  }
}
