import ChunkFormat
import FileIO

/// Finds the records of a pack whose footer is damaged.
///
/// Records adjoin, so one that begins where another ends is taken at its header's word. Where that
/// chain is broken by damage, the next record is searched byte by byte, and content may hold whatever
/// a guest wrote to its disk, records of its own making included: so there only a record counts
/// whose content has the id that its header claims.
struct PackScan {
  private static let stretchBytes = 4 << 20

  private let pack: Pack
  private let decoder: RecordDecoder
  private let hasher: ContentHasher

  init(of pack: Pack, idKey: SecretBytes?) throws(StoreError) {
    self.pack = pack
    (decoder, hasher) = try reportingFormatErrors(of: "pack \(pack.id)", pack: pack.id) {
      () throws(FormatError) in
      (try RecordDecoder(), try ContentHasher(idKey: idKey))
    }
  }

  /// The records found, in order. Those taken at their word may have damaged content, which shows when
  /// they are read.
  func run() throws(StoreError) -> [PackEntry] {
    guard pack.lengthBytes <= UInt32.max else {
      throw StoreError(
        .damaged, "pack \(pack.id): expected less than 4 GiB, found \(pack.lengthBytes) bytes",
        pack: pack.id)
    }
    var entries: [PackEntry] = []
    var position = UInt64(FileHeader.lengthBytes)
    var next = try record(at: position)
    while true {
      if let entry = next {
        entries.append(entry)
        position = entry.rangeInPack.upperBound
        next = try record(at: position)
      } else if let entry = try genuineRecord(from: position + 1) {
        next = entry
      } else {
        return entries
      }
    }
  }

  /// The record that begins at `position`; nil where none does, or it does not end within the pack.
  private func record(at position: UInt64) throws(StoreError) -> PackEntry? {
    let rest = pack.lengthBytes - min(position, pack.lengthBytes)
    let bytes = try pack.bytes(
      count: Int(min(rest, UInt64(PackScanner.overlapBytes))), at: position)
    guard let found = next(in: bytes, from: 0, at: position),
      found.rangeInPack.lowerBound == position
    else { return nil }
    return found
  }

  /// The first record from `position` on whose content has the id that is claimed. No delta: its
  /// content cannot be told without its base.
  private func genuineRecord(from position: UInt64) throws(StoreError) -> PackEntry? {
    var stretchStart = position
    while stretchStart < pack.lengthBytes {
      let count = min(UInt64(Self.stretchBytes), pack.lengthBytes - stretchStart)
      let stretch = try pack.bytes(count: Int(count), at: stretchStart)
      var start = 0
      while let found = next(in: stretch, from: start, at: stretchStart) {
        if found.base == nil, try isGenuine(found) { return found }
        start = Int(found.rangeInPack.lowerBound - stretchStart) + 1
      }
      guard stretchStart + count < pack.lengthBytes else { break }
      stretchStart += count - UInt64(PackScanner.overlapBytes)
    }
    return nil
  }

  private func next(in bytes: [UInt8], from start: Int, at offset: UInt64) -> PackEntry? {
    var start = start
    while let found = bytes.withUnsafeBytes({
      PackScanner.nextRecord(
        in: $0, from: start, offsetInPack: offset, sealing: pack.seal.header.sealing)
    }) {
      if found.rangeInPack.upperBound <= pack.lengthBytes { return found }
      start = Int(found.rangeInPack.lowerBound - offset) + 1
    }
    return nil
  }

  private func isGenuine(_ entry: PackEntry) throws(StoreError) -> Bool {
    let range = entry.rangeInPack
    let record = try pack.bytes(count: range.count, at: range.lowerBound)
    let id: ContentID?
    do {
      id = try record.withUnsafeBytes { record in
        let content = try [UInt8].filled(count: Int(entry.plainBytes)) { output in
          try decoder.decode(record, expecting: entry, seal: pack.seal, base: nil, into: output)
          return output.count
        }
        return try content.withUnsafeBytes { try hasher.id(of: $0, type: entry.type) }
      }
    } catch {
      return false
    }
    return id == entry.id
  }
}
