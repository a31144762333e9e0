import ChunkFormat

/// Bytes lent to LMDB for the length of a call, with the type of error kept.
enum LMDBKey {
  static func with<Result>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    try bytes.withUnsafeBytes { bytes in
      Swift.Result { () throws(LMDBError) in try body(bytes) }
    }.get()
  }

  static func with<Result>(
    _ id: ContentID, _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    try id.withUnsafeBytes { bytes in
      Swift.Result { () throws(LMDBError) in try body(bytes) }
    }.get()
  }
}

extension UInt32 {
  /// Four bytes whose order as bytes is that of the numbers.
  var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
