/// One entry of a pack's footer: the properties of a record and its place in the pack.
///
/// ```
/// offset size
///      0    4  offset of the record's header in the pack
///      4    4  stored length: bytes after the record's header
///      8    4  plain length
///     12    1  type
///     13    1  codec
///     14    2  zeros
///     16   32  id
///     48   32  id of the base; only if the codec is delta
/// ```
package struct PackEntry: Equatable, Sendable {
  static let maximumLengthBytes = 16 + 2 * ContentID.lengthBytes

  package let id: ContentID
  package let type: RecordType
  package let codec: Codec
  package let base: ContentID?
  package let offsetBytes: UInt32
  package let storedBytes: UInt32
  package let plainBytes: UInt32

  package init(
    id: ContentID, type: RecordType, codec: Codec, base: ContentID?, offsetBytes: UInt32,
    storedBytes: UInt32, plainBytes: UInt32
  ) {
    self.id = id
    self.type = type
    self.codec = codec
    self.base = base
    self.offsetBytes = offsetBytes
    self.storedBytes = storedBytes
    self.plainBytes = plainBytes
  }

  /// The record's bytes in the pack, its header included.
  package var rangeInPack: Range<UInt64> {
    let start = UInt64(offsetBytes)
    return start..<start + UInt64(RecordHeader.lengthBytes) + UInt64(storedBytes)
  }

  func write(to writer: inout ByteWriter) {
    writer.write(offsetBytes)
    writer.write(storedBytes)
    writer.write(plainBytes)
    writer.write(type.rawValue)
    writer.write(codec.rawValue)
    writer.write(UInt16(0))
    writer.write(id)
    if let base {
      writer.write(base)
    }
  }

  init(from reader: inout ByteReader) throws(FormatError) {
    offsetBytes = try reader.read()
    storedBytes = try reader.read()
    plainBytes = try reader.read()
    (type, codec) = try RecordLayout.kinds(
      type: try reader.read(), codec: try reader.read(), in: PackFooter.structure)
    let zeros: UInt16 = try reader.read()
    guard zeros == 0 else {
      throw .corrupt(PackFooter.structure, expected: "zeros after a codec", found: "\(zeros)")
    }
    id = try reader.readID()
    base = codec == .delta ? try reader.readID() : nil
  }
}

/// The list of a pack's records, at its end (format, "Packs").
///
/// ```
///      0   64  file header
///     64       records, one after another
///      f    n  footer: the entries; sealed: AES-256-GCM of them, then the tag, 16
///    f+n   40  trailer:
///            0   4  n, the footer's length as stored
///            4   4  number of records
///            8   8  length of the whole pack in bytes
///           16  16  XXH3-128 of the footer as stored and of the 16 bytes before this
///           32   8  magic "VARVEEND"
/// ```
package struct PackFooter: Equatable, Sendable {
  package static let trailerBytes = 40
  static let structure = "pack footer"
  static let magic = Array("VARVEEND".utf8)
  /// The nonce of the footer. No record has this number, since a pack is shorter than 4 GiB.
  static let nonce = UInt32.max

  package let entries: [PackEntry]

  /// The claims of the trailer, checked only against the length of the file and ``PackLimits``.
  package struct Trailer: Equatable, Sendable {
    package let footerBytes: UInt32
    package let recordCount: UInt32
    package let packBytes: UInt64
    let checksum: Checksum

    /// Where the footer begins.
    package var footerOffsetBytes: UInt64 {
      packBytes - UInt64(PackFooter.trailerBytes) - UInt64(footerBytes)
    }

    /// Reads the last 40 bytes of a pack of `packBytes`.
    ///
    /// - Throws: ``FormatError`` with `.corrupt`.
    package init(encoded bytes: [UInt8], packBytes: UInt64) throws(FormatError) {
      var reader = ByteReader(bytes, structure: "pack trailer")
      footerBytes = try reader.read()
      recordCount = try reader.read()
      self.packBytes = try reader.read()
      let sum = try reader.read(count: Checksum.lengthBytes)
      checksum = sum.withUnsafeBytes { Checksum($0, at: 0) }
      guard try reader.read(count: 8).elementsEqual(PackFooter.magic) else {
        throw .corrupt("pack trailer", expected: "magic VARVEEND", found: "other bytes")
      }
      try reader.finish()
      let least = UInt64(FileHeader.lengthBytes + PackFooter.trailerBytes) + UInt64(footerBytes)
      guard self.packBytes == packBytes, packBytes >= least,
        packBytes <= PackLimits.maximumBytes,
        recordCount <= PackLimits.maximumRecords, footerBytes <= PackLimits.maximumFooterBytes
      else {
        throw .corrupt(
          "pack trailer", expected: "the length of the pack, \(packBytes) bytes",
          found: "\(self.packBytes) bytes with \(recordCount) records and a footer of "
            + "\(footerBytes)")
      }
    }
  }

  /// The footer and trailer of a pack whose records end at `recordsEndBytes`.
  static func encode(
    _ entries: [PackEntry], recordsEndBytes: UInt64, seal: PackSeal, cipher: AuthenticatedCipher
  ) throws(FormatError) -> [UInt8] {
    var writer = ByteWriter()
    for entry in entries {
      entry.write(to: &writer)
    }
    let footer = try seal.sealFooter(writer.bytes, cipher: cipher)
    var trailer = ByteWriter()
    trailer.write(UInt32(footer.count))
    trailer.write(UInt32(entries.count))
    trailer.write(recordsEndBytes + UInt64(footer.count + trailerBytes))
    let checksum = Checksum(of: footer + trailer.bytes)
    return footer + trailer.bytes + checksum.encoded + magic
  }

  /// Reads the footer that belongs to `trailer`.
  ///
  /// Every entry that is returned lies before the footer, directly after the entry before it, and
  /// belongs in this kind of pack.
  ///
  /// - Throws: ``FormatError`` with `.corrupt`, or `.unsupported` for an unknown type or codec.
  package init(
    encoded bytes: [UInt8], trailer: Trailer, seal: PackSeal
  ) throws(FormatError) {
    var claims = ByteWriter()
    claims.write(trailer.footerBytes)
    claims.write(trailer.recordCount)
    claims.write(trailer.packBytes)
    guard bytes.count == Int(trailer.footerBytes),
      Checksum(of: bytes + claims.bytes) == trailer.checksum
    else {
      throw .corrupt(Self.structure, expected: "the checksum in the trailer", found: "another")
    }
    var reader = ByteReader(try seal.openFooter(bytes), structure: Self.structure)
    var entries: [PackEntry] = []
    var end = UInt64(FileHeader.lengthBytes)
    while reader.remainingBytes > 0 {
      let entry = try PackEntry(from: &reader)
      try seal.check(entry)
      guard entry.rangeInPack.lowerBound == end,
        entry.rangeInPack.upperBound <= trailer.footerOffsetBytes
      else {
        throw .corrupt(
          Self.structure, expected: "a record at \(end), before the footer",
          found: "one at \(entry.rangeInPack)")
      }
      end = entry.rangeInPack.upperBound
      entries.append(entry)
    }
    guard entries.count == Int(trailer.recordCount), end == trailer.footerOffsetBytes else {
      throw .corrupt(
        Self.structure,
        expected: "\(trailer.recordCount) records up to \(trailer.footerOffsetBytes)",
        found: "\(entries.count) up to \(end)")
    }
    self.entries = entries
  }
}

/// Limits for packs of all repositories, far above the 32 MiB that a writer aims at. They limit
/// what a reader loads from a hostile pack.
package enum PackLimits {
  /// The longest pack.
  package static let maximumBytes: UInt64 = 1 << 30
  /// The most records in a pack: more than fit in 32 MiB.
  package static let maximumRecords = 1 << 19
  /// The longest footer, as stored.
  package static let maximumFooterBytes =
    maximumRecords * PackEntry.maximumLengthBytes + AuthenticatedCipher.tagBytes
}
