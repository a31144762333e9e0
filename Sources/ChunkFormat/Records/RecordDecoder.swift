/// Reads records back: opens the seal, decompresses, checks. One decoder serves one thread.
package final class RecordDecoder {
  private let decompressor: Decompressor
  private let cipher: AuthenticatedCipher
  private var opened: [UInt8] = []

  package init() throws(FormatError) {
    decompressor = try Decompressor()
    cipher = try AuthenticatedCipher()
  }

  /// Reads the header of `record` and checks that it is the expected one.
  ///
  /// - Parameters:
  ///   - record: the record's bytes, from its header on.
  ///   - entry: the record's entry in the index or the pack's footer.
  ///   - seal: the seal of the pack.
  /// - Throws: ``FormatError``: the errors of ``RecordHeader``, and `.corrupt` for another record.
  package static func header(
    of record: UnsafeRawBufferPointer, expecting entry: PackEntry, seal: PackSeal
  ) throws(FormatError) -> RecordHeader {
    let header = try RecordHeader(decoding: record, sealing: seal.header.sealing)
    guard header.id == entry.id, header.type == entry.type, header.codec == entry.codec,
      header.storedBytes == entry.storedBytes, header.plainBytes == entry.plainBytes
    else {
      throw .corrupt(
        "record", expected: "\(entry.type) \(entry.id) of \(entry.plainBytes) bytes",
        found: "\(header.type) \(header.id) of \(header.plainBytes) bytes")
    }
    return header
  }

  /// Fills `output` with the plaintext of a record.
  ///
  /// - Parameters:
  ///   - record: the record's bytes, from its header to its end.
  ///   - entry: the record's entry in the index or the pack's footer.
  ///   - seal: the seal of the pack.
  ///   - base: the plaintext of a delta's base; nil for other records.
  ///   - output: a buffer of the same length as the plaintext.
  /// - Throws: ``FormatError`` with `.corrupt` if `record` is another record, or if its seal, frame
  ///   or checksum is wrong. If nothing is thrown, `output` is exactly the plaintext that was
  ///   stored. The id is not computed again.
  package func decode(
    _ record: UnsafeRawBufferPointer, expecting entry: PackEntry, seal: PackSeal,
    base: UnsafeRawBufferPointer?, into output: UnsafeMutableRawBufferPointer
  ) throws(FormatError) {
    let header = try Self.header(of: record, expecting: entry, seal: seal)
    let layout = RecordLayout(codec: header.codec, sealing: seal.header.sealing)
    let end = RecordHeader.lengthBytes + Int(header.storedBytes)
    guard record.count >= end, output.count == Int(header.plainBytes) else {
      throw .corrupt(
        "record", expected: "\(end) bytes for \(output.count)",
        found: "\(record.count) for \(header.plainBytes)")
    }
    try checkBase(of: record, expecting: entry, base: base)
    let body = record.part(RecordHeader.lengthBytes + layout.baseBytes..<end)
    if let key = seal.key {
      try decodeSealed(
        body, header: header,
        binding: seal.additionalData(header: record, base: entry.base), key: key, base: base,
        into: output)
    } else {
      try expand(body, codec: header.codec, base: base, into: output)
      try check(output, against: header.checksum)
    }
  }

  /// Prepares a stored record for another pack. Also checks its content.
  ///
  /// - Parameters:
  ///   - record: the record's bytes, from its header to its end.
  ///   - entry: the record's entry in the index or the pack's footer.
  ///   - seal: the seal of the pack.
  ///   - base: the plaintext of a delta's base; nil for other records.
  ///   - content: receives the plaintext; a buffer of the same length.
  /// - Throws: the errors of ``decode(_:expecting:seal:base:into:)``.
  package func extract(
    _ record: UnsafeRawBufferPointer, expecting entry: PackEntry, seal: PackSeal,
    base: UnsafeRawBufferPointer?, content: UnsafeMutableRawBufferPointer
  ) throws(FormatError) -> PreparedRecord {
    try decode(record, expecting: entry, seal: seal, base: base, into: content)
    let layout = RecordLayout(codec: entry.codec, sealing: seal.header.sealing)
    let start = RecordHeader.lengthBytes + layout.baseBytes
    let end = RecordHeader.lengthBytes + Int(entry.storedBytes)
    let payload =
      seal.key == nil
      ? Array(record.part(start..<end))
      : Array(opened[Checksum.lengthBytes..<end - start - AuthenticatedCipher.tagBytes])
    return PreparedRecord(
      UnsafeRawBufferPointer(content), id: entry.id, type: entry.type, codec: entry.codec,
      base: entry.base, payload: payload)
  }

  private func checkBase(
    of record: UnsafeRawBufferPointer, expecting entry: PackEntry, base: UnsafeRawBufferPointer?
  ) throws(FormatError) {
    guard entry.codec == .delta else { return }
    let named = ContentID(
      record.part(RecordHeader.lengthBytes..<RecordHeader.lengthBytes + ContentID.lengthBytes))
    guard named == entry.base, base != nil else {
      throw .corrupt(
        "record", expected: "a delta from \(entry.base?.description ?? "a base")",
        found: "one from \(named)")
    }
  }

  private func decodeSealed(
    _ body: UnsafeRawBufferPointer, header: RecordHeader, binding additional: [UInt8],
    key: SecretBytes, base: UnsafeRawBufferPointer?, into output: UnsafeMutableRawBufferPointer
  ) throws(FormatError) {
    let end = body.count - AuthenticatedCipher.tagBytes
    if opened.count < end {
      opened = Array(repeating: 0, count: end)
    }
    try opened.withMutableBytes { opened throws(FormatError) in
      let plain = UnsafeMutableRawBufferPointer(rebasing: opened[..<end])
      let authentic = try cipher.open(
        body.part(0..<end), tag: body.part(end..<body.count), key: key, nonce: header.number,
        binding: additional, into: plain)
      guard authentic else {
        throw .corrupt("record", expected: "an authentic seal", found: "a broken one")
      }
      let contents = UnsafeRawBufferPointer(plain)
      try expand(
        contents.part(Checksum.lengthBytes..<end), codec: header.codec, base: base, into: output)
      try check(output, against: Checksum(contents, at: 0))
    }
  }

  private func expand(
    _ payload: UnsafeRawBufferPointer, codec: Codec, base: UnsafeRawBufferPointer?,
    into output: UnsafeMutableRawBufferPointer
  ) throws(FormatError) {
    switch codec {
    case .raw:
      guard payload.count == output.count else {
        throw .corrupt(
          "record", expected: "\(output.count) raw bytes", found: "\(payload.count)")
      }
      output.copyMemory(from: payload)
    case .zstd:
      try decompressor.decompress(payload, base: nil, into: output)
    case .delta:
      try decompressor.decompress(payload, base: base, into: output)
    }
  }

  private func check(
    _ plaintext: UnsafeMutableRawBufferPointer, against checksum: Checksum?
  ) throws(FormatError) {
    guard Checksum(of: UnsafeRawBufferPointer(plaintext)) == checksum else {
      throw .wrongChecksum("record")
    }
  }
}
