package import ChunkFormat

/// Where a copy of a record is.
package struct RecordLocation: Equatable, Sendable {
  package let pack: FileDigest
  package let entry: PackEntry

  package init(pack: FileDigest, entry: PackEntry) {
    self.pack = pack
    self.entry = entry
  }
}

/// What reading takes of a store: where records are, and the bytes of packs. May block; is called from
/// several threads at once.
package protocol RecordSource: Sendable {
  /// A copy of each record, in the order of `ids`; nil where there is none outside `avoided`. Of
  /// several copies, one that is no delta.
  ///
  /// `avoided` are packs that could not be read or gave damage for one of these records. Where it is
  /// not empty, the source makes sure that it knows the packs there are now: a reader that finds a
  /// pack gone finds what took its place.
  func locate(
    _ ids: [ContentID], avoiding avoided: Set<FileDigest>
  ) throws -> [RecordLocation?]

  /// What opens the records of `pack`.
  func seal(of pack: FileDigest) throws -> PackSeal

  /// Fills `buffer` from `offsetBytes` of `pack` on; returns how much was read, which is less than
  /// asked for only at the pack's end.
  func read(
    _ pack: FileDigest, at offsetBytes: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int
}
