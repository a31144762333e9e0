package import ChunkFormat
import FileIO
package import ObjectStorage

/// What a pack holds, read from the pack itself: from its footer, or from its records' headers where
/// the footer is damaged.
package struct PackInventory {
  package let pack: Pack
  let entries: [PackEntry]
  /// Why the footer could not be used; nil where it could.
  package let footerDamage: StoreError?

  /// - Parameter idKey: of an encrypted repository.
  /// - Throws: ``StoreError`` where not even the header of the pack is right, or it cannot be read.
  init(of pack: Pack, idKey: SecretBytes?) throws(StoreError) {
    self.pack = pack
    // Whoever looked for records in it would read to its end.
    if let problem = pack.lengthProblem { throw problem }
    do throws(StoreError) {
      entries = try Self.readFooter(of: pack)
      footerDamage = nil
    } catch  where error.code == .damaged {
      entries = try PackScan(of: pack, idKey: idKey).run()
      footerDamage = error
    }
  }

  /// What the object under `key` holds, whatever that is called and wherever it lies.
  ///
  /// - Parameters:
  ///   - id: what errors call it.
  ///   - header: what its seals are opened with.
  package init(
    of id: PackID, at key: ObjectKey, lengthBytes: UInt64, header: FileHeader,
    in repository: Repository
  ) throws(StoreError) {
    let storage = repository.storage
    let seal = try reportingFormatErrors(of: "pack \(id)") { () throws(FormatError) in
      try PackSeal(header: header, keys: repository.keys)
    }
    let pack = Pack(
      id: id, kind: header.kind == .dataPack ? .data : .map, lengthBytes: lengthBytes, seal: seal
    ) { () throws(StorageError) in try storage.open(key) }
    try self.init(of: pack, idKey: repository.keys?.idKey)
  }

  package var records: [RecordLocation] {
    entries.map { RecordLocation(pack: pack, entry: $0) }
  }

  private static func readFooter(of pack: Pack) throws(StoreError) -> [PackEntry] {
    let least = UInt64(FileHeader.lengthBytes + PackFooter.trailerBytes)
    guard pack.lengthBytes >= least else {
      throw StoreError(
        .damaged,
        "pack \(pack.id): expected at least \(least) bytes, found \(pack.lengthBytes)",
        pack: pack.id)
    }
    let end = try pack.bytes(
      count: PackFooter.trailerBytes, at: pack.lengthBytes - UInt64(PackFooter.trailerBytes))
    let trailer = try reportingFormatErrors(of: "pack \(pack.id)", pack: pack.id) {
      () throws(FormatError) in
      try PackFooter.Trailer(encoded: end, packBytes: pack.lengthBytes)
    }
    let footer = try pack.bytes(count: Int(trailer.footerBytes), at: trailer.footerOffsetBytes)
    return try reportingFormatErrors(of: "pack \(pack.id)", pack: pack.id) {
      () throws(FormatError) in
      try PackFooter(encoded: footer, trailer: trailer, seal: pack.seal).entries
    }
  }
}

extension Pack {
  /// Why a pack cannot be one, by its length alone: a sparse file may claim any.
  var lengthProblem: StoreError? {
    guard lengthBytes > PackLimits.maximumBytes else { return nil }
    return StoreError(
      .damaged,
      "pack \(id): expected at most \(PackLimits.maximumBytes) bytes, found \(lengthBytes)",
      pack: id)
  }

  /// `count` bytes of the pack from `offsetBytes` on.
  package func bytes(count: Int, at offsetBytes: UInt64) throws(StoreError) -> [UInt8] {
    try .filled(count: count) { buffer throws(StoreError) in
      try read(into: buffer, at: offsetBytes)
      return count
    }
  }
}
