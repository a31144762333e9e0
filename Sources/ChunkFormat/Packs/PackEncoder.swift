/// Writes one pack, record by record, into a buffer that the caller writes to a file.
///
/// Call ``append(_:)`` for each record, ``takeBytes()`` whenever ``pendingBytes`` is large enough,
/// and last ``finish()``, which also returns the last bytes.
package final class PackEncoder {
  private let seal: PackSeal
  private let cipher: AuthenticatedCipher
  private let hasher: FileHasher
  private var pending: [UInt8]
  private var takenBytes: UInt64 = 0
  private var entries: [PackEntry] = []

  /// - Parameters:
  ///   - kind: `.dataPack` or `.mapPack`.
  ///   - repository: the repository that the pack belongs to.
  ///   - keys: the keys of an encrypted repository; nil for one that is not encrypted.
  package init(
    kind: RepositoryFileKind, repository: RepositoryID, keys: RepositoryKeys?
  ) throws(FormatError) {
    seal = try PackSeal(newPackOf: kind, repository: repository, keys: keys)
    cipher = try AuthenticatedCipher()
    hasher = try FileHasher()
    pending = seal.header.encoded()
  }

  /// Bytes that have not been taken yet.
  package var pendingBytes: Int { pending.count }
  /// The pack's header; the index keeps its salt.
  package var header: FileHeader { seal.header }

  /// Adds one record.
  ///
  /// - Throws: ``FormatError`` with `.invalidValue` for a record that is empty or longer than the
  ///   largest chunk, for a record that belongs in the other kind of pack, and if the pack has
  ///   reached ``PackLimits``.
  package func append(_ record: PreparedRecord) throws(FormatError) {
    let sealing = seal.header.sealing
    let layout = RecordLayout(codec: record.codec, sealing: sealing)
    let start = pending.count
    let entry = PackEntry(
      id: record.id, type: record.type, codec: record.codec, base: record.base,
      offsetBytes: UInt32(clamping: takenBytes + UInt64(start)),
      storedBytes: UInt32(clamping: layout.overheadBytes + record.payload.count),
      plainBytes: UInt32(clamping: record.plainBytes))
    try checkRoom(for: entry)
    entries.append(entry)
    let header = RecordHeader(
      type: entry.type, codec: entry.codec, number: UInt32(entries.count - 1),
      storedBytes: entry.storedBytes, plainBytes: entry.plainBytes, id: entry.id,
      checksum: sealing == .none ? record.checksum : nil)
    appendBytes(of: record, header: header)
    if let key = seal.key {
      try sealRecord(at: start, header: header, base: record.base, layout: layout, key: key)
    }
  }

  /// The bytes since the last call. They are now part of the digest.
  package func takeBytes() throws(FormatError) -> [UInt8] {
    defer { pending = [] }
    try hasher.update(pending)
    takenBytes += UInt64(pending.count)
    return pending
  }

  /// Ends the pack with footer and trailer.
  ///
  /// - Returns: the bytes that have not been taken yet, and a summary of the finished pack.
  package func finish() throws(FormatError) -> (lastBytes: [UInt8], summary: PackSummary) {
    pending += try PackFooter.encode(
      entries, recordsEndBytes: takenBytes + UInt64(pending.count), seal: seal, cipher: cipher)
    let lastBytes = try takeBytes()
    return (
      lastBytes,
      PackSummary(
        id: PackID(try hasher.finish()), header: seal.header, lengthBytes: takenBytes,
        entries: entries)
    )
  }

  private func checkRoom(for entry: PackEntry) throws(FormatError) {
    do throws(FormatError) {
      try seal.check(entry)
    } catch {
      throw FormatError(.invalidValue, in: error.structure, error.message)
    }
    // Leaves room for a footer of the longest entries, and for the trailer.
    guard entries.count < PackLimits.maximumRecords,
      entry.rangeInPack.upperBound + UInt64(PackLimits.maximumFooterBytes + PackFooter.trailerBytes)
        <= PackLimits.maximumBytes
    else {
      throw FormatError(
        .invalidValue, in: seal.header.kind.name,
        "is full with \(entries.count) records in \(entry.offsetBytes) bytes")
    }
  }

  private func appendBytes(of record: PreparedRecord, header: RecordHeader) {
    withUnsafeTemporaryAllocation(byteCount: RecordHeader.lengthBytes, alignment: 8) {
      header.store(to: $0)
      pending.append(contentsOf: $0)
    }
    record.base?.withUnsafeBytes { pending.append(contentsOf: $0) }
    if header.checksum == nil {
      pending.append(contentsOf: record.checksum.encoded)
    }
    pending.append(contentsOf: record.payload)
  }

  private func sealRecord(
    at start: Int, header: RecordHeader, base: ContentID?, layout: RecordLayout, key: SecretBytes
  ) throws(FormatError) {
    let sealedStart = start + RecordHeader.lengthBytes + layout.baseBytes
    let sealedEnd = pending.count
    pending.append(contentsOf: repeatElement(0, count: AuthenticatedCipher.tagBytes))
    try pending.withMutableBytes { bytes throws(FormatError) in
      let whole = UnsafeRawBufferPointer(bytes)
      try cipher.seal(
        UnsafeMutableRawBufferPointer(rebasing: bytes[sealedStart..<sealedEnd]),
        tag: UnsafeMutableRawBufferPointer(rebasing: bytes[sealedEnd...]), key: key,
        nonce: header.number,
        binding: seal.additionalData(
          header: whole.part(start..<start + RecordHeader.lengthBytes), base: base))
    }
  }
}

/// Name, header, length and records of a finished pack.
package struct PackSummary: Sendable {
  /// The pack's name.
  package let id: PackID
  package let header: FileHeader
  package let lengthBytes: UInt64
  package let entries: [PackEntry]
}
