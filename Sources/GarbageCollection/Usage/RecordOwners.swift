import ChunkFormat
import ChunkStore
import FileIO

/// Whose a record is.
enum RecordOwner: Equatable, Sendable {
  /// Of the one revision of this number.
  case revision(Int)
  /// Of several revisions of the job of this number.
  case job(Int)
  /// Of revisions of several jobs.
  case several
}

/// Tells of every record which revisions refer to it, as far as it matters: one, several of a job, or
/// several jobs. Four bytes of mapped memory a record. For one thread.
final class RecordOwners {
  private static let jobBit: UInt32 = 1 << 31
  private static let several = UInt32.max

  private let live: LiveRecords
  private let store: RecordStore
  /// The number of the job of a revision.
  private let jobOf: (Int) -> Int
  private let owners: ScratchMapping

  /// For the records that `live` numbers.
  init(
    _ live: LiveRecords, store: RecordStore, jobOf: @escaping (Int) -> Int
  ) throws(StoreError) {
    self.live = live
    self.store = store
    self.jobOf = jobOf
    owners = try store.whereScratchFits { directory throws(StoreError) in
      try reportingFileErrors { () throws(FileError) in
        let owners = try ScratchMapping(in: directory)
        try owners.grow(toBytes: max(1, live.knownCount) * MemoryLayout<UInt32>.stride)
        return owners
      }
    }
  }

  /// Revision number `revision` refers to the record.
  ///
  /// - Returns: whether that was not known; then the same is to be said of what lies under a node.
  func note(_ id: ContentID, _ type: RecordType, revision: Int) -> Bool {
    live.place(of: id, type).map { note(.revision(revision), at: $0) } ?? true
  }

  /// Notes of every base that those need it, too, who refer to what is stored as a delta of it: once all
  /// else is noted. Deltas of deltas, which no writer makes, are passed over.
  func noteBases(progress: () throws -> Void) throws {
    var (failure, visited): ((any Error)?, Int) = (nil, 0)
    try store.index.read { index throws(StoreError) in
      try index.forEachRecord { id, record in
        visited += 1
        if visited % (1 << 16) == 0 {
          do { try progress() } catch { failure = error }
        }
        let type = record.entry.type
        if let base = record.entry.base, let place = live.place(of: base, type),
          let owner = owner(of: id, type)
        {
          _ = note(owner, at: place)
        }
        return failure == nil
      }
    }
    if let failure { throw failure }
  }

  /// - Returns: whether that is new.
  private func note(_ owner: RecordOwner, at place: Int) -> Bool {
    let old = owners.bytes.load(fromByteOffset: place * 4, as: UInt32.self)
    let new = Self.stored(union(Self.owner(old), owner))
    guard new != old else { return false }
    owners.bytes.storeBytes(of: new, toByteOffset: place * 4, as: UInt32.self)
    return true
  }

  private func union(_ one: RecordOwner?, _ other: RecordOwner) -> RecordOwner {
    guard let one, one != other else { return other }
    guard let job = job(of: one), job == self.job(of: other) else { return .several }
    return .job(job)
  }

  private func job(of owner: RecordOwner) -> Int? {
    switch owner {
    case .revision(let revision): jobOf(revision)
    case .job(let job): job
    case .several: nil
    }
  }

  /// Nil where no revision refers to the record.
  func owner(of id: ContentID, _ type: RecordType) -> RecordOwner? {
    guard let place = live.place(of: id, type) else { return nil }
    return Self.owner(owners.bytes.load(fromByteOffset: place * 4, as: UInt32.self))
  }

  private static func stored(_ owner: RecordOwner) -> UInt32 {
    switch owner {
    case .several: several
    case .job(let job): jobBit | UInt32(job)
    case .revision(let revision): UInt32(revision + 1)
    }
  }

  private static func owner(_ stored: UInt32) -> RecordOwner? {
    switch stored {
    case 0: nil
    case several: .several
    case let job where job & jobBit != 0: .job(Int(job & ~jobBit))
    default: .revision(Int(stored) - 1)
    }
  }
}
