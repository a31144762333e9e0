/// One disk of a revision.
package struct RevisionVolume: Equatable, Sendable {
  private static let structure = "volume of a revision"
  /// The name of a job's only volume, if the user gave none.
  package static let unnamed = "disk"
  /// 2^62: even a size that is rounded up to whole chunks fits into a signed 64-bit number.
  package static let maximumSizeBytes: UInt64 = 1 << 62

  package var name: String
  /// At most ``maximumSizeBytes``.
  package var sizeBytes: UInt64
  /// The root of the disk's map; a hole if the whole disk reads as zeros.
  package var root: ContentID
  /// The source, as the user wrote it.
  package var source: String
  package var statistics: VolumeStatistics

  package init(
    name: String, sizeBytes: UInt64, root: ContentID, source: String,
    statistics: VolumeStatistics
  ) {
    self.name = name
    self.sizeBytes = sizeBytes
    self.root = root
    self.source = source
    self.statistics = statistics
  }

  func encoded() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.name, name)
    fields.field(Tag.size, sizeBytes)
    fields.field(Tag.root, root)
    fields.field(Tag.source, source)
    fields.field(Tag.statistics, statistics.encoded())
    return fields.bytes
  }

  init(encoded bytes: ArraySlice<UInt8>) throws(FormatError) {
    let fields = try FieldList(bytes, structure: Self.structure, known: Tag.all)
    name = try fields.text(Tag.name)
    sizeBytes = try fields.integer(Tag.size)
    root = try fields.id(Tag.root)
    source = try fields.text(Tag.source)
    statistics = try VolumeStatistics(encoded: try fields.one(Tag.statistics))
  }

  /// - Throws: ``FormatError`` with `.invalidValue` if the name breaks the rule of ``Name``, the
  ///   size is too large, or a volume without bytes has a map.
  func check() throws(FormatError) {
    _ = try Name.check(name, in: Self.structure)
    guard sizeBytes <= Self.maximumSizeBytes, sizeBytes > 0 || root.isHole else {
      throw FormatError(
        .invalidValue, in: Self.structure,
        "\(name) has \(sizeBytes) bytes; at most \(Self.maximumSizeBytes) are possible, and a "
          + "volume without bytes has no map")
    }
  }

  private enum Tag {
    static let name: UInt16 = 1 | FieldList.critical
    static let size: UInt16 = 2 | FieldList.critical
    static let root: UInt16 = 3 | FieldList.critical
    static let source: UInt16 = 4
    static let statistics: UInt16 = 5
    static let all: Set<UInt16> = [name, size, root, source, statistics]
  }
}

/// How much the backup of one volume read and stored.
package struct VolumeStatistics: Equatable, Sendable {
  /// Bytes read from the source; holes that the source reports are not read.
  package var readBytes: UInt64 = 0
  /// Bytes that are not holes.
  package var dataBytes: UInt64 = 0
  /// Chunks that were not in the store before.
  package var newChunks: UInt64 = 0
  /// Of those, the chunks that were stored as deltas.
  package var deltaChunks: UInt64 = 0
  /// Bytes of the new chunks, before compression.
  package var newBytes: UInt64 = 0
  /// Bytes that the new chunks and map nodes take in the store, headers included.
  package var storedBytes: UInt64 = 0
  /// Chunks that were already in the store.
  package var knownChunks: UInt64 = 0

  package init() {}

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    for value in [
      readBytes, dataBytes, newChunks, deltaChunks, newBytes, storedBytes, knownChunks,
    ] {
      writer.write(value)
    }
    return writer.bytes
  }

  /// Later versions may append values.
  init(encoded bytes: ArraySlice<UInt8>) throws(FormatError) {
    var reader = ByteReader(bytes, structure: "statistics of a volume")
    readBytes = try reader.read()
    dataBytes = try reader.read()
    newChunks = try reader.read()
    deltaChunks = try reader.read()
    newBytes = try reader.read()
    storedBytes = try reader.read()
    knownChunks = try reader.read()
  }

  /// Adds each value; a sum above 2^64 - 1 becomes 2^64 - 1.
  package static func += (sum: inout VolumeStatistics, other: VolumeStatistics) {
    sum.readBytes = sum.readBytes.saturatingAdding(other.readBytes)
    sum.dataBytes = sum.dataBytes.saturatingAdding(other.dataBytes)
    sum.newChunks = sum.newChunks.saturatingAdding(other.newChunks)
    sum.deltaChunks = sum.deltaChunks.saturatingAdding(other.deltaChunks)
    sum.newBytes = sum.newBytes.saturatingAdding(other.newBytes)
    sum.storedBytes = sum.storedBytes.saturatingAdding(other.storedBytes)
    sum.knownChunks = sum.knownChunks.saturatingAdding(other.knownChunks)
  }
}

/// A document that is backed up with the volumes, such as the configuration of a machine. It is
/// stored in chunks, like a disk.
package struct Attachment: Equatable, Sendable {
  private static let structure = "attachment of a revision"
  /// The largest document that can be attached.
  package static let maximumBytes: UInt64 = 16 << 20

  /// A file name without directories, of 1 to 255 bytes, without control or invisible characters.
  package var name: String
  package var sizeBytes: UInt64
  /// Chunks in order. All but the last have the repository's chunk size; none is a hole.
  package var chunks: [ContentID]

  package init(name: String, sizeBytes: UInt64, chunks: [ContentID]) {
    self.name = name
    self.sizeBytes = sizeBytes
    self.chunks = chunks
  }

  func encoded() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.name, name)
    fields.field(Tag.size, sizeBytes)
    for chunk in chunks {
      fields.field(Tag.chunk, chunk)
    }
    return fields.bytes
  }

  init(encoded bytes: ArraySlice<UInt8>) throws(FormatError) {
    let fields = try FieldList(bytes, structure: Self.structure, known: Tag.all)
    name = try fields.text(Tag.name)
    sizeBytes = try fields.integer(Tag.size)
    chunks = try fields.ids(Tag.chunk)
  }

  /// - Throws: ``FormatError`` with `.invalidValue` if the name is not a file name, the document is
  ///   too large, the number of chunks does not fit the size for any valid chunk size, or a chunk
  ///   is a hole.
  func check() throws(FormatError) {
    guard Name.isFileName(name) else {
      throw FormatError(
        .invalidValue, in: Self.structure, "\(name.debugDescription) is not a file name")
    }
    let sizes = RepositoryConfiguration.chunkSizes
    let count = chunks.count
    guard sizeBytes <= Self.maximumBytes, count * sizes.upperBound >= Int(sizeBytes),
      count == 0 || (count - 1) * sizes.lowerBound < Int(sizeBytes),
      !chunks.contains(where: \.isHole)
    else {
      throw FormatError(
        .invalidValue, in: Self.structure,
        "\(name.debugDescription) has \(sizeBytes) bytes in \(count) chunks; at most "
          + "\(Self.maximumBytes) bytes are possible, in chunks of the repository's size")
    }
  }

  private enum Tag {
    static let name: UInt16 = 1 | FieldList.critical
    static let size: UInt16 = 2 | FieldList.critical
    static let chunk: UInt16 = 3 | FieldList.critical
    static let all: Set<UInt16> = [name, size, chunk]
  }
}
