package import ChunkFormat

/// A part of a volume, as a ``SequentialReader`` returns it.
package enum SequentialContent {
  /// These bytes of the volume are zeros and are not stored.
  case hole(Range<UInt64>)
  /// These bytes of the volume. The pointer is valid only during the call. The chunks are those
  /// that contain the bytes, in order.
  case data(Range<UInt64>, UnsafeRawBufferPointer, chunks: ArraySlice<ContentID>)
  /// These bytes of the volume could not be read.
  case damaged(VolumeReadError)
}
