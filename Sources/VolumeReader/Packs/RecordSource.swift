package import ChunkFormat

/// A pack as reading needs it. May block; is used by several threads at once.
package protocol PackReading: AnyObject, Sendable {
  var id: PackID { get }

  /// What opens its records.
  var seal: PackSeal { get }

  /// Fills `buffer` with the pack's bytes from `offsetBytes` on, or fails.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64) throws
}

/// What reading takes of a store. May block; is called from several threads at once.
package protocol RecordSource: Sendable {
  /// The best copy of each record, in the order of `ids`; nil where none is known.
  func locations(of ids: [ContentID]) throws -> [PackedRecord?]

  /// The plaintext of one record, whatever it takes: another copy where one is damaged, a new look where
  /// packs have moved.
  ///
  /// - Parameter plainBytes: its length where that is known.
  func content(of id: ContentID, type: RecordType, plainBytes: Int?) throws -> [UInt8]
}

/// Where a copy of a record is.
package struct PackedRecord: Sendable {
  package let pack: any PackReading
  package let entry: PackEntry

  package init(pack: any PackReading, entry: PackEntry) {
    self.pack = pack
    self.entry = entry
  }

  /// Whether the index, which is only a cache, says what can be true of a chunk: no other type of record,
  /// no more memory than a chunk can need, no base that is itself a delta.
  func isPlausibleChunk(isBase: Bool, lengthLimitBytes: Int) -> Bool {
    entry.type == .chunk && entry.plainBytes > 0 && entry.plainBytes <= lengthLimitBytes
      && entry.rangeInPack.count <= RecordLimits.maximumRecordBytes
      && !(isBase && entry.base != nil)
  }
}
