package import ChunkFormat
import FileIO

/// Whose a record is.
package enum RecordOwner: Equatable, Sendable {
  /// Of the one revision of this number.
  case revision(Int)
  /// Of several revisions of the job of this number.
  case job(Int)
  /// Of revisions of several jobs.
  case several
}

/// Tells of every record which revisions refer to it, as far as it matters: one, several of a job, or
/// several jobs. Four bytes of mapped memory a record. For one thread.
package final class RecordOwners {
  private static let jobBit: UInt32 = 1 << 31
  private static let several = UInt32.max

  private let live: LiveRecords
  private let owners: ScratchMapping

  /// For the records that `live` numbers.
  init(_ live: LiveRecords, store: RecordStore) throws(StoreError) {
    self.live = live
    owners = try reportingFileErrors { () throws(FileError) in
      let owners = try ScratchMapping(in: store.index.path)
      try owners.grow(toBytes: max(1, live.knownCount) * MemoryLayout<UInt32>.stride)
      return owners
    }
  }

  /// Revision number `revision`, of job number `job`, refers to the record.
  ///
  /// - Parameter jobOf: the number of the job of a revision.
  /// - Returns: whether that was not known; then the same is to be said of what lies under a node.
  package func note(
    _ id: ContentID, _ type: RecordType, revision: Int, job: Int, jobOf: (Int) -> Int
  ) -> Bool {
    guard let place = live.place(of: id, type) else { return true }
    let old = owners.bytes.load(fromByteOffset: place * 4, as: UInt32.self)
    let new: UInt32 =
      switch Self.owner(old) {
      case nil: UInt32(revision + 1)
      case .revision(revision): old
      case .revision(let other):
        jobOf(other) == job ? Self.jobBit | UInt32(job) : Self.several
      case .job(job), .several: old
      case .job: Self.several
      }
    guard new != old else { return false }
    owners.bytes.storeBytes(of: new, toByteOffset: place * 4, as: UInt32.self)
    return true
  }

  /// Nil where no revision refers to the record.
  package func owner(of id: ContentID, _ type: RecordType) -> RecordOwner? {
    guard let place = live.place(of: id, type) else { return nil }
    return Self.owner(owners.bytes.load(fromByteOffset: place * 4, as: UInt32.self))
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
