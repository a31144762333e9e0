import ChunkFormat

/// What a pack holds, read from the pack itself: from its footer, or from its records' headers where
/// the footer is damaged.
struct PackInventory {
  let pack: Pack
  let entries: [PackEntry]
  /// Why the footer could not be used; nil where it could.
  let footerDamage: StoreError?

  /// - Throws: ``StoreError`` where not even the header of the pack is right, or it cannot be read.
  init(of pack: Pack) throws(StoreError) {
    self.pack = pack
    do throws(StoreError) {
      entries = try Self.readFooter(of: pack)
      footerDamage = nil
    } catch  where error.code == .damaged {
      entries = try Self.scan(pack)
      footerDamage = error
    }
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

  /// Reads the whole pack in stretches and keeps every record whose header is intact and that lies
  /// whole within the pack. Whether their content is intact shows when they are read.
  private static func scan(_ pack: Pack) throws(StoreError) -> [PackEntry] {
    guard pack.lengthBytes <= UInt32.max else {
      throw StoreError(
        .damaged, "pack \(pack.id): expected less than 4 GiB, found \(pack.lengthBytes) bytes",
        pack: pack.id)
    }
    let stretchBytes: UInt64 = 4 << 20
    var entries: [PackEntry] = []
    var position = UInt64(FileHeader.lengthBytes)
    while position < pack.lengthBytes {
      let count = min(stretchBytes, pack.lengthBytes - position)
      let stretch = try pack.bytes(count: Int(count), at: position)
      let found = stretch.withUnsafeBytes {
        PackScanner.nextRecord(
          in: $0, from: 0, offsetInPack: position, sealing: pack.seal.header.sealing)
      }
      if let found, found.rangeInPack.upperBound <= pack.lengthBytes {
        entries.append(found)
        position = found.rangeInPack.upperBound
      } else if let found {
        position = found.rangeInPack.lowerBound + 1
      } else if count == stretchBytes {
        position += count - UInt64(PackScanner.overlapBytes)
      } else {
        break
      }
    }
    return entries
  }
}

extension Pack {
  /// `count` bytes of the pack from `offsetBytes` on.
  func bytes(count: Int, at offsetBytes: UInt64) throws(StoreError) -> [UInt8] {
    try .filled(count: count) { buffer throws(StoreError) in
      try read(into: buffer, at: offsetBytes)
      return count
    }
  }
}
