internal import CZstd

/// Decompresses records. One decompressor serves one thread.
final class Decompressor {
  private let context: OpaquePointer

  init() throws(FormatError) {
    guard let context = ZSTD_createDCtx() else {
      throw FormatError(.libraryFailure, in: "record", "zstd has no memory for a context")
    }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Fills `output` exactly from the frame in `payload`, whatever length the frame states.
  ///
  /// The payload is one frame of RFC 8878. Further frames, skippable frames and the frames of zstd
  /// before 0.8, which the library may also read, are not part of the format.
  ///
  /// - Parameter base: the plaintext of a delta's base; nil for a frame of its own.
  /// - Throws: ``FormatError`` with `.corrupt` if the payload is not one frame of that length.
  func decompress(
    _ payload: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer?,
    into output: UnsafeMutableRawBufferPointer
  ) throws(FormatError) {
    guard payload.count >= 4, payload.loadInteger(UInt32.self, at: 0) == ZSTD_MAGICNUMBER,
      ZSTD_findFrameCompressedSize(payload.baseAddress, payload.count) == payload.count
    else {
      throw .corrupt(
        "record", expected: "one zstd frame", found: "\(payload.count) other bytes")
    }
    if let base {
      let result = ZSTD_DCtx_refPrefix(context, base.baseAddress, base.count)
      guard ZSTD_isError(result) == 0 else {
        throw FormatError(.libraryFailure, in: "record", "zstd refuses the base of a delta")
      }
    }
    let length = ZSTD_decompressDCtx(
      context, output.baseAddress, output.count, payload.baseAddress, payload.count)
    guard ZSTD_isError(length) == 0 else {
      // A failed call may leave the prefix in place for the next frame.
      ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters)
      throw .corrupt(
        "record", expected: "a zstd frame of \(output.count) bytes",
        found: "none: \(String(cString: ZSTD_getErrorName(length)))")
    }
    guard length == output.count else {
      throw .corrupt(
        "record", expected: "a zstd frame of \(output.count) bytes", found: "one of \(length)")
    }
  }
}
