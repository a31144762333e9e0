import TestSupport

@testable import ChunkFormat

/// A pack made for a test, with the values that are needed to read it back.
struct SamplePack {
  let bytes: [UInt8]
  let summary: PackSummary
  let keys: RepositoryKeys?
  /// The plaintexts of the entries, in the order of the entries.
  let contents: [[UInt8]]

  /// A record in a test's pack: content on its own, or the difference from an earlier record.
  enum Part {
    case standalone([UInt8], RecordType)
    case delta([UInt8], from: Int)
  }

  init(
    _ parts: [Part], kind: RepositoryFileKind = .dataPack, keys: RepositoryKeys? = nil,
    compression: CompressionMethod = .standard
  ) throws {
    let encoder = try PackEncoder(kind: kind, repository: Sample.repository, keys: keys)
    let hasher = try ContentHasher(idKey: keys?.idKey)
    let compressor = try Compressor(method: compression)
    var bytes: [UInt8] = []
    var contents: [[UInt8]] = []
    var ids: [ContentID] = []
    for part in parts {
      let record: PreparedRecord
      switch part {
      case .standalone(let content, let type):
        contents.append(content)
        record = try content.withBytes { content in
          let id = try hasher.id(of: content, type: type)
          return try PreparedRecord(
            standalone: content, id: id, type: type, compressor: compressor)
        }
      case .delta(let content, let base):
        let delta = try content.withBytes { new in
          try contents[base].withBytes { old in
            try PreparedRecord(
              deltaOf: new, id: try hasher.id(of: new, type: .chunk), type: .chunk,
              base: ids[base], baseContent: old, compressor: compressor)
          }
        }
        guard let delta else {
          throw FormatError(.invalidValue, in: "sample", "no delta is smaller")
        }
        contents.append(content)
        record = delta
      }
      ids.append(record.id)
      try encoder.append(record)
      // Take the bytes after every other record, as a store with a small buffer would.
      if ids.count.isMultiple(of: 2) { bytes += try encoder.takeBytes() }
    }
    let (lastBytes, summary) = try encoder.finish()
    self.bytes = bytes + lastBytes
    self.summary = summary
    self.keys = keys
    self.contents = contents
  }

  /// Chunks of every kind: raw, compressed, delta, short.
  static func mixed(keys: RepositoryKeys? = nil, random: inout SeededRandom) throws -> SamplePack {
    let noise = random.bytes(4096)
    let text = Array(String(repeating: "varve ", count: 700).utf8)
    var changed = noise
    changed[100] ^= 1
    return try SamplePack(
      [
        .standalone(noise, .chunk), .standalone(text, .chunk), .delta(changed, from: 0),
        .standalone([7], .chunk),
      ], keys: keys)
  }

  var seal: PackSeal {
    get throws {
      let header = try FileHeader(
        encoded: bytes, expecting: [.dataPack, .mapPack], of: Sample.repository)
      return try PackSeal(header: header, keys: keys)
    }
  }

  func record(_ index: Int) -> [UInt8] {
    let range = summary.entries[index].rangeInPack
    return Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
  }

  /// Reads the plaintext of entry `index` as a store does.
  func read(_ index: Int) throws -> [UInt8] {
    let entry = summary.entries[index]
    let base = try entry.base.map { base in
      try read(summary.entries.firstIndex { $0.id == base } ?? index)
    }
    return try decodeRecord(record(index), expecting: entry, seal: seal, base: base)
  }

  /// The entries in the footer.
  static func footer(of bytes: [UInt8], keys: RepositoryKeys?) throws -> [PackEntry] {
    let header = try FileHeader(
      encoded: bytes, expecting: [.dataPack, .mapPack], of: Sample.repository)
    let seal = try PackSeal(header: header, keys: keys)
    let trailer = try PackFooter.Trailer(
      encoded: Array(bytes.suffix(PackFooter.trailerBytes)), packBytes: UInt64(bytes.count))
    let start = Int(trailer.footerOffsetBytes)
    let footer = Array(bytes[start..<start + Int(trailer.footerBytes)])
    return try PackFooter(encoded: footer, trailer: trailer, seal: seal).entries
  }
}

func decodeRecord(
  _ record: [UInt8], expecting entry: PackEntry, seal: PackSeal, base: [UInt8]?
) throws -> [UInt8] {
  let decoder = try RecordDecoder()
  var output = [UInt8](repeating: 0, count: Int(entry.plainBytes))
  try record.withBytes { record in
    try output.withMutableBytes { output in
      guard let base else {
        return try decoder.decode(record, expecting: entry, seal: seal, base: nil, into: output)
      }
      try base.withBytes {
        try decoder.decode(record, expecting: entry, seal: seal, base: $0, into: output)
      }
    }
  }
  return output
}

extension PackEntry {
  /// The entry with some values replaced.
  func with(
    id: ContentID? = nil, type: RecordType? = nil, codec: Codec? = nil, base: ContentID?? = nil,
    storedBytes: UInt32? = nil, plainBytes: UInt32? = nil
  ) -> PackEntry {
    PackEntry(
      id: id ?? self.id, type: type ?? self.type, codec: codec ?? self.codec,
      base: base ?? self.base, offsetBytes: offsetBytes,
      storedBytes: storedBytes ?? self.storedBytes, plainBytes: plainBytes ?? self.plainBytes)
  }
}
