/// Where a volume is restored to.
///
/// The calls come in this order: ``prepare(sizeBytes:)``, any number of writes, ``finish()``; then, to
/// compare, reads. After a failure anywhere, ``abandon()``.
package protocol RestoreTarget: AnyObject, Sendable {
  /// As the user wrote it.
  var name: String { get }

  /// Whether writes may come in any order. Otherwise they must come in ascending, adjoining order,
  /// zeros included, from 0 to the end.
  var isSeekable: Bool { get }

  var canBeReadBack: Bool { get }

  /// Checks all that can be checked, then makes the target ready for a volume of `sizeBytes`. When
  /// this throws, nothing that was there has been changed.
  func prepare(sizeBytes: UInt64) throws(RestoreTargetError)

  /// Writes all of `bytes`, within the volume. The target may still be working on it afterwards: an
  /// error can come with a later call, at the latest with ``finish()``.
  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError)

  /// Makes a range read as zeros by the time ``finish()`` returns, and takes no space for that which the
  /// target can do without. Any length within the volume.
  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError)

  /// How much of what has to read as zeros has yet to be looked at.
  var unsettledZeroBytes: UInt64 { get }

  /// Looks at some of that, and writes zeros where it holds something else; returns how many bytes were
  /// looked at, 0 when all is done. To be called after the last write; ``finish()`` does the rest.
  ///
  /// - Parameter limitBytes: how much to look at, at least 1.
  func settleZeros(limitBytes: UInt64) throws(RestoreTargetError) -> UInt64

  /// Fills the buffer with what the target holds there, all of it within the volume. After
  /// ``finish()`` this comes from the storage rather than from memory, where the system allows that.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError)

  /// The first offset from `offsetBytes` on that may read as something else than zeros; all before it
  /// is known to be a hole and need not be read to be compared.
  func nextData(from offsetBytes: UInt64) throws(RestoreTargetError) -> UInt64

  /// Makes everything durable and, where an existing file is replaced, puts the new one in its place.
  /// Only when this returns has the volume been restored.
  func finish() throws(RestoreTargetError)

  /// After a failure: what was made new is removed, what was there stays; what was written to a
  /// device stays written. Without effect after ``finish()``, and twice.
  func abandon()
}

extension RestoreTarget {
  /// Everything is zero at once.
  package var unsettledZeroBytes: UInt64 { 0 }

  package func settleZeros(limitBytes: UInt64) throws(RestoreTargetError) -> UInt64 { 0 }

  /// Nothing is known of holes.
  package func nextData(from offsetBytes: UInt64) throws(RestoreTargetError) -> UInt64 {
    offsetBytes
  }
}
