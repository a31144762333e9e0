/// The target of a restore.
///
/// Make the calls in this order: ``prepare(sizeBytes:)``, any number of writes, ``finish()``, then
/// reads to compare. After any failure, call ``abandon()``.
package protocol RestoreTarget: AnyObject, Sendable {
  /// The target, as the user wrote it.
  var name: String { get }

  /// Whether writes may be made in any order. Otherwise they must be made in order and without
  /// gaps, zeros included, from 0 to the end.
  var isSeekable: Bool { get }

  var canBeReadBack: Bool { get }

  /// Checks the target as far as possible, then makes it ready for a volume of `sizeBytes`. If this
  /// throws, existing content has not been changed.
  func prepare(sizeBytes: UInt64) throws(RestoreTargetError)

  /// Writes all of `bytes`, which must lie within the volume. The target may still be writing when
  /// this returns: a later call may throw the error, ``finish()`` at the latest.
  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError)

  /// Makes a range within the volume read as zeros, at the latest when ``finish()`` returns. Uses
  /// no space for the zeros if the target supports this.
  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError)

  /// The number of bytes that must read as zeros and have not been checked yet.
  var unsettledZeroBytes: UInt64 { get }

  /// Checks some of these bytes, and writes zeros to the parts that are not zero. Returns the
  /// number of bytes that were checked; 0 if all are done. Call it after the last write;
  /// ``finish()`` does the rest.
  ///
  /// - Parameter limitBytes: the most bytes to check, at least 1.
  func settleZeros(limitBytes: UInt64) throws(RestoreTargetError) -> UInt64

  /// Fills the buffer with the target's content at `offsetBytes`; all of it must lie within the
  /// volume. After ``finish()``, the bytes come from the storage and not from the page cache, if
  /// the system allows this.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError)

  /// The first offset, at or after `offsetBytes`, that may not read as zeros. The range before it
  /// is known to be a hole, and need not be read to be compared.
  func nextData(from offsetBytes: UInt64) throws(RestoreTargetError) -> UInt64

  /// Makes everything durable. If an existing file is replaced, puts the new file in its place. The
  /// volume is restored only if this does not throw.
  func finish() throws(RestoreTargetError)

  /// Call this after a failure. Removes new files; existing files stay. Bytes that were written to
  /// a device stay written. Has no effect after ``finish()``, or if called twice.
  func abandon()
}

extension RestoreTarget {
  /// 0: ranges read as zeros at once.
  package var unsettledZeroBytes: UInt64 { 0 }

  package func settleZeros(limitBytes: UInt64) throws(RestoreTargetError) -> UInt64 { 0 }

  /// Returns `offsetBytes`: holes are not known.
  package func nextData(from offsetBytes: UInt64) throws(RestoreTargetError) -> UInt64 {
    offsetBytes
  }
}
