internal import CZstd

/// Compresses records. One compressor serves one thread.
package final class Compressor {
  /// A record that zstd makes less than 1/32 smaller is stored raw: decompression would cost
  /// readers more time than the space is worth.
  private static let worthwhileShare = 32
  /// Level for deltas, whatever the repository's level. Measured on 128 KiB chunks of programs with
  /// four 64-byte changes: level 1 takes 68 µs and gives 831 bytes, level 3 takes 108 µs and gives
  /// 387; long-distance matching takes 139 µs and gives 313.
  private static let deltaLevel: Int32 = 3

  private let context: OpaquePointer
  private let method: CompressionMethod
  private var scratch: [UInt8] = []

  /// - Throws: ``FormatError`` with `.libraryFailure` if there is no memory for a context.
  package init(method: CompressionMethod) throws(FormatError) {
    guard let context = ZSTD_createCCtx() else {
      throw FormatError(.libraryFailure, in: "record", "zstd has no memory for a context")
    }
    self.context = context
    self.method = method
  }

  deinit { ZSTD_freeCCtx(context) }

  /// Compresses `plaintext` on its own.
  package func compress(
    _ plaintext: UnsafeRawBufferPointer
  ) throws(FormatError) -> (codec: Codec, payload: [UInt8]) {
    guard case .zstd(let level) = method else { return (.raw, Array(plaintext)) }
    try configure(level: Int32(level), windowBytes: nil)
    let payload = try run(plaintext)
    return payload.count > plaintext.count - plaintext.count / Self.worthwhileShare
      ? (.raw, Array(plaintext)) : (.zstd, payload)
  }

  /// Compresses `plaintext` as the difference from `base`.
  package func delta(
    _ plaintext: UnsafeRawBufferPointer, from base: UnsafeRawBufferPointer
  ) throws(FormatError) -> [UInt8] {
    // The window must reach from the end of the chunk to the start of its base.
    try configure(level: Self.deltaLevel, windowBytes: plaintext.count + base.count)
    try check(ZSTD_CCtx_refPrefix(context, base.baseAddress, base.count))
    return try run(plaintext)
  }

  private func configure(level: Int32, windowBytes: Int?) throws(FormatError) {
    try check(ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters))
    try check(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level))
    if let windowBytes {
      let logarithm = Int.bitWidth - max(windowBytes - 1, 1).leadingZeroBitCount
      let smallest = Int(ZSTD_cParam_getBounds(ZSTD_c_windowLog).lowerBound)
      try check(
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, Int32(max(logarithm, smallest))))
    }
  }

  private func run(_ plaintext: UnsafeRawBufferPointer) throws(FormatError) -> [UInt8] {
    let bound = ZSTD_compressBound(plaintext.count)
    if scratch.count < bound {
      scratch = Array(repeating: 0, count: bound)
    }
    let length = scratch.withUnsafeMutableBytes {
      ZSTD_compress2(context, $0.baseAddress, $0.count, plaintext.baseAddress, plaintext.count)
    }
    try check(length)
    return Array(scratch[0..<length])
  }

  private func check(_ result: Int) throws(FormatError) {
    guard ZSTD_isError(result) == 0 else {
      throw FormatError(
        .libraryFailure, in: "record",
        "zstd cannot compress: \(String(cString: ZSTD_getErrorName(result)))")
    }
  }
}

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
  /// - Parameter base: the plaintext of a delta's base; nil if the record is not a delta.
  /// - Throws: ``FormatError`` with `.corrupt` if the payload is not one frame of that length, and
  ///   with `.libraryFailure` if zstd refuses the base.
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
