package import ChunkFormat

/// A stretch of a volume as a ``SequentialReader`` hands it out.
package enum SequentialContent {
  /// These bytes of the volume are zeros and not stored.
  case hole(Range<UInt64>)
  /// These bytes of the volume; the pointer is valid during the call only. The chunks are those that the
  /// bytes lie in, in order.
  case data(Range<UInt64>, UnsafeRawBufferPointer, chunks: ArraySlice<ContentID>)
  /// These bytes of the volume cannot be had.
  case damaged(VolumeReadError)
}
