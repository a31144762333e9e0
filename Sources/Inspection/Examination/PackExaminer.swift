package import ChunkFormat
package import ChunkStore
import ObjectStorage

/// What a look at the file of a pack found.
package struct PackExamination: Sendable {
  package let file: RepositoryCensus.PackFile
  package let lengthBytes: UInt64
  /// The name that its bytes give it; nil after a quick look, and where not all could be read.
  package internal(set) var digest: PackID?
  /// The kind that its header names; nil where the header is damaged.
  package internal(set) var kind: PackKind?
  /// Whether it is an intact pack of another repository.
  package internal(set) var isForeign = false
  /// What is wrong, in words; empty where nothing is.
  package internal(set) var problems: [String] = []
  /// Whether ``records`` are all that there ever were in it.
  package internal(set) var listsAllRecords = true
  /// Its records, by the footer, or by their headers where the footer is damaged.
  package internal(set) var records: [RecordLocation] = []
  /// Those that were read back and are right; asked only where something is wrong.
  package internal(set) var intact: [RecordLocation] = []
  /// Those that were read back and are not.
  package internal(set) var damaged: [DamagedCopy] = []

  package var isSound: Bool { problems.isEmpty }
  /// Whether everything in it is right, whatever it is called and wherever it lies.
  package var isWholePack: Bool {
    kind != nil && !isForeign && listsAllRecords && intact.count == records.count
  }
}

/// Looks at files of packs. One examiner serves one thread.
package final class PackExaminer {
  private static let pieceBytes = 1 << 20

  private let repository: Repository
  private let isFull: Bool
  private let reader: RecordReader
  private var found: DamagedCopy?

  /// - Parameter isFull: whether to read the whole file, and to compare its SHA-256 with its name and the
  ///   records' headers with the footer; else only header and footer are read.
  package init(repository: Repository, isFull: Bool) throws(StoreError) {
    self.repository = repository
    self.isFull = isFull
    reader = try RecordReader(store: repository.records, provingWith: repository.keys?.idKey)
    reader.onDamage = { [weak self] location, error in
      self?.found = DamagedCopy(location, error)
    }
  }

  /// - Returns: nil where the file has gone meanwhile.
  /// - Throws: ``StoreError`` where it cannot be looked at, such as for a lack of permission.
  package func examine(
    _ file: RepositoryCensus.PackFile
  ) throws(StoreError) -> PackExamination? {
    do throws(StoreError) {
      let result = try look(at: file)
      // What garbage collection deletes meanwhile is not damaged.
      guard let result, !result.isSound else { return result }
      return try isThere(file) ? result : nil
    } catch  where error.code == .notFound {
      guard try !isThere(file) else { throw error }
      return nil
    }
  }

  private func isThere(_ file: RepositoryCensus.PackFile) throws(StoreError) -> Bool {
    try reportingStorageErrors { () throws(StorageError) in
      try repository.storage.exists(file.key)
    }
  }

  private func look(
    at file: RepositoryCensus.PackFile
  ) throws(StoreError) -> PackExamination? {
    let opened: any StoredObject
    let length: UInt64
    do throws(StorageError) {
      opened = try repository.storage.open(file.key)
      length = try opened.sizeBytes()
    } catch  where error.code == .notFound {
      return nil
    } catch {
      throw StoreError(error)
    }
    defer { opened.close() }
    var result = PackExamination(file: file, lengthBytes: length)
    if !file.isInPlace { result.problems.append("is in the wrong directory") }
    guard length <= PackLimits.maximumBytes else {
      // Not read to its end: a sparse file may claim any length.
      result.problems.append(
        "expected at most \(PackLimits.maximumBytes) bytes, found \(length)")
      result.listsAllRecords = false
      return result
    }
    if isFull { try compareName(opened, &result) }
    let header = try readHeader(opened, &result)
    if result.isForeign { return result }
    result.listsAllRecords = header != nil
    if let header { try examineRecords(header, &result) }
    if !result.isSound { try proveRecords(&result) }
    return result
  }

  // MARK: - The file

  private func compareName(
    _ opened: any StoredObject, _ result: inout PackExamination
  ) throws(StoreError) {
    let hasher = try reportingFormatErrors(of: "hash of a pack") { () throws(FormatError) in
      try FileHasher()
    }
    var offset: UInt64 = 0
    while let piece = try nextPiece(of: opened, at: offset, &result), !piece.isEmpty {
      try reportingFormatErrors(of: "hash of a pack") { () throws(FormatError) in
        try hasher.update(piece)
      }
      offset += UInt64(piece.count)
    }
    // Else the device has lost a part.
    guard result.isSound || offset == result.lengthBytes else { return }
    let digest = PackID(try reportingFormatErrors(of: "hash of a pack", hasher.finish))
    result.digest = digest
    if digest != result.file.id {
      result.problems.append(
        "expected content with the SHA-256 \(result.file.id), found \(digest)")
    }
  }

  /// Nil where the device has lost the bytes.
  private func nextPiece(
    of opened: any StoredObject, at offset: UInt64, _ result: inout PackExamination
  ) throws(StoreError) -> [UInt8]? {
    do throws(StorageError) {
      return try opened.bytes(count: Self.pieceBytes, at: offset)
    } catch {
      guard error.code == .unreadable else { throw StoreError(error) }
      result.problems.append("\(error)")
      return nil
    }
  }

  /// The header to open the pack with: its own; where that is damaged, the one that the index has or
  /// that every plain pack has.
  private func readHeader(
    _ opened: any StoredObject, _ result: inout PackExamination
  ) throws(StoreError) -> FileHeader? {
    let file = result.file
    do {
      let bytes = try opened.bytes(count: FileHeader.lengthBytes, at: 0)
      let header = try FileHeader(encoded: bytes, expecting: [.dataPack, .mapPack], of: nil)
      let kind: PackKind = header.kind == .dataPack ? .data : .map
      guard header.repository == repository.configuration.id else {
        // One flipped bit makes a header look like another repository's; then the name is wrong too.
        result.isForeign = result.digest.map { $0 == file.id } ?? true
        result.problems.append(
          "belongs to repository \(header.repository), not to \(repository.configuration.id)")
        if result.isForeign { return nil }
        return try otherHeader(of: file)
      }
      // Opens no seal where the header says another way of sealing than the repository has.
      _ = try PackSeal(header: header, keys: repository.keys)
      result.kind = kind
      if kind != file.kind, file.key.area != .setAside {
        result.problems.append("is a \(header.kind.name) among \(file.kind.fileKind.name)s")
      }
      return header
    } catch let error as StorageError where error.code != .unreadable {
      throw StoreError(error)
    } catch {
      result.problems.append("\(error)")
      return try otherHeader(of: file)
    }
  }

  private func otherHeader(of file: RepositoryCensus.PackFile) throws(StoreError) -> FileHeader? {
    if let known = try repository.records.indexed(file.id) {
      return try? FileHeader(
        encoded: known.header, expecting: [known.kind.fileKind], of: repository.configuration.id)
    }
    guard repository.keys == nil else { return nil }
    return try? FileHeader.plain(file.kind.fileKind, of: repository.configuration.id)
  }

  // MARK: - The records

  private func examineRecords(
    _ header: FileHeader, _ result: inout PackExamination
  ) throws(StoreError) {
    do throws(StoreError) {
      let inventory = try inventory(header, &result)
      result.records = inventory.records
      if let damage = inventory.footerDamage {
        result.listsAllRecords = false
        result.problems.append(damage.message)
      } else if isFull {
        try compareHeaders(of: inventory.pack, &result)
      }
    } catch {
      guard error.code == .damaged else { throw error }
      result.listsAllRecords = false
      result.problems.append(error.message)
    }
  }

  /// What the pack holds. A salt that is damaged opens no seal: the one that the index has may.
  private func inventory(
    _ header: FileHeader, _ result: inout PackExamination
  ) throws(StoreError) -> PackInventory {
    let own = try inventory(header, of: result)
    guard own.footerDamage != nil, repository.keys != nil,
      let known = try otherHeader(of: result.file), known != header
    else { return own }
    let other = try inventory(known, of: result)
    guard other.footerDamage == nil else { return own }
    result.problems.append("its header was changed after the pack was written")
    return other
  }

  private func inventory(
    _ header: FileHeader, of result: PackExamination
  ) throws(StoreError) -> PackInventory {
    try PackInventory(
      of: result.file.id, at: result.file.key, lengthBytes: result.lengthBytes, header: header,
      in: repository)
  }

  /// Each record's header must say what the footer says.
  private func compareHeaders(
    of pack: Pack, _ result: inout PackExamination
  ) throws(StoreError) {
    for record in result.records {
      let bytes = try pack.bytes(
        count: RecordHeader.lengthBytes, at: record.entry.rangeInPack.lowerBound)
      do throws(FormatError) {
        try bytes.checkHeader(expecting: record.entry, seal: pack.seal)
      } catch {
        result.problems.append("offset \(record.entry.offsetBytes): \(error)")
        return
      }
    }
  }

  private func proveRecords(_ result: inout PackExamination) throws(StoreError) {
    for record in result.records {
      found = nil
      do throws(StoreError) {
        _ = try reader.read(record)
        result.intact.append(record)
      } catch  where error.isDamage {
        // Not noted where only the base of a delta is to blame.
        if let found, found.id == record.entry.id { result.damaged.append(found) }
      }
    }
  }
}

extension [UInt8] {
  /// Checks that a record begins with the header that `entry` says.
  fileprivate func checkHeader(
    expecting entry: PackEntry, seal: PackSeal
  ) throws(FormatError) {
    let outcome: Result<Void, FormatError> = withUnsafeBytes { bytes in
      do throws(FormatError) {
        _ = try RecordDecoder.header(of: bytes, expecting: entry, seal: seal)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try outcome.get()
  }
}
