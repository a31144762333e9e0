package import CalendarTime
package import ChunkFormat
package import ObjectStorage

/// A copy that is known to be damaged, and who found that.
package struct QuarantinedCopy: Sendable {
  package let copy: DamagedCopy
  package let found: Timestamp
  package let host: String
  /// In words: "verification".
  package let finder: String

  /// Which copy of which record it is.
  package var record: AbsentRecord { AbsentRecord(pack: copy.pack, id: copy.id) }
}

/// All copies that are known to be damaged.
package struct QuarantineListing: Sendable {
  /// Each copy once, those found first first.
  package let copies: [QuarantinedCopy]
  /// Reports that are there and cannot be read: what they name is not known.
  package let unreadable: [(name: QuarantineReportID, error: StoreError)]

  package var records: Set<AbsentRecord> { Set(copies.map(\.record)) }
}

/// The objects that name copies found damaged. None ever changes: what is added goes to a new one, and
/// one of which a part is to go is replaced.
package struct QuarantineObjects: Sendable {
  /// More damage than this is not noted before some of it has gone: a writing session holds all of it in
  /// memory.
  static let maximumCopies = 100_000

  let objects: SmallObjects

  /// - Throws: ``StoreError`` where the files cannot be listed; none where nothing was ever found.
  func list() throws(StoreError) -> QuarantineListing {
    var copies: [QuarantinedCopy] = []
    var known: Set<AbsentRecord> = []
    let (reports, unreadable) = try reports()
    for (_, report) in reports.sorted(by: { $0.report.found < $1.report.found }) {
      for copy in report.copies {
        let entry = QuarantinedCopy(
          copy: copy, found: report.found, host: report.host, finder: report.finder)
        if known.insert(entry.record).inserted { copies.append(entry) }
      }
    }
    return QuarantineListing(copies: copies, unreadable: unreadable)
  }

  /// Notes copies; those that are noted already stay as they were.
  ///
  /// - Returns: how many are new.
  func add(
    _ copies: [DamagedCopy], found: Timestamp, host: String, finder: String
  ) throws(StoreError) -> Int {
    guard !copies.isEmpty else { return 0 }
    let lock = try lock()
    defer { lock.release() }
    var known = try list().records
    var new: [DamagedCopy] = []
    for copy in copies where known.count < Self.maximumCopies {
      if known.insert(AbsentRecord(pack: copy.pack, id: copy.id)).inserted { new.append(copy) }
    }
    for start in stride(from: 0, to: new.count, by: QuarantineReport.maximumCopies) {
      let end = min(start + QuarantineReport.maximumCopies, new.count)
      try write(
        QuarantineReport(
          found: found, host: host, finder: finder, copies: Array(new[start..<end])))
    }
    return new.count
  }

  /// Lets go of the copies of which `isOver` is true; returns those.
  func release(
    where isOver: (QuarantinedCopy) -> Bool
  ) throws(StoreError) -> [QuarantinedCopy] {
    // Where nothing was ever found, nothing is made.
    guard try !names().isEmpty else { return [] }
    let lock = try lock()
    defer { lock.release() }
    var released: [QuarantinedCopy] = []
    for (name, report) in try reports().readable {
      var kept: [DamagedCopy] = []
      for copy in report.copies {
        let entry = QuarantinedCopy(
          copy: copy, found: report.found, host: report.host, finder: report.finder)
        if isOver(entry) { released.append(entry) } else { kept.append(copy) }
      }
      guard kept.count < report.copies.count else { continue }
      if !kept.isEmpty {
        try write(
          QuarantineReport(
            found: report.found, host: report.host, finder: report.finder, copies: kept))
      }
      try remove(name)
    }
    return released
  }

  /// Removes a report, readable or not, unless somebody was quicker.
  func remove(_ name: QuarantineReportID) throws(StoreError) {
    try reportingStorageErrors { () throws(StorageError) in
      try objects.storage.remove([name.description], from: .quarantine)
    }
  }

  /// Files that nobody will finish.
  package func unfinishedFiles() throws(StoreError) -> [ObjectKey] {
    guard let lock = try lockIfThere() else { return [] }
    defer { lock.release() }
    return try reportingStorageErrors { () throws(StorageError) in
      try objects.storage.unfinished(in: .quarantine)
    }
  }

  private func reports() throws(StoreError) -> (
    readable: [(name: QuarantineReportID, report: QuarantineReport)],
    unreadable: [(name: QuarantineReportID, error: StoreError)]
  ) {
    var readable: [(name: QuarantineReportID, report: QuarantineReport)] = []
    var unreadable: [(name: QuarantineReportID, error: StoreError)] = []
    for name in try names() {
      do throws(StoreError) {
        readable.append((name, try read(name)))
      } catch  where error.code == .notFound {
        // Released since the names were listed.
        continue
      } catch {
        unreadable.append((name, error))
      }
    }
    return (readable, unreadable)
  }

  private func names() throws(StoreError) -> [QuarantineReportID] {
    try reportingStorageErrors { () throws(StorageError) in
      try objects.storage.listIfThere(.quarantine)?
        .filter { $0.kind == .object }.compactMap { QuarantineReportID(name: $0.key.name) } ?? []
    }
  }

  private func read(_ name: QuarantineReportID) throws(StoreError) -> QuarantineReport {
    let key = ObjectKey(.quarantine, name.description)
    let place = objects.storage.place(of: key)
    return try objects.read(
      key, limitBytes: QuarantineReport.maximumFileBytes, as: place,
      gone: "\(place) no longer exists"
    ) { bytes throws(FormatError) in
      try name.digest.check(bytes, of: .quarantine)
      return try QuarantineReport(
        encoded: bytes, repository: objects.repository, keys: objects.keys)
    }
  }

  private func write(_ report: QuarantineReport) throws(StoreError) {
    _ = try objects.writeNamed(report, in: .quarantine, as: "new quarantine report")
  }

  /// Keeps others from changing the quarantine; nil where nothing was ever found, and nothing is made.
  package func lockIfThere() throws(StoreError) -> (any StorageLock)? {
    let wasAnyFound = try reportingStorageErrors { () throws(StorageError) in
      try objects.storage.isThere(.quarantine)
    }
    return wasAnyFound ? try lock() : nil
  }

  private func lock() throws(StoreError) -> any StorageLock {
    try reportingStorageErrors { () throws(StorageError) in
      try objects.storage.lock(.quarantine)
    }
  }
}
