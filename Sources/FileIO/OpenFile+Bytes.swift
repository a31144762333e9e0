extension OpenFile {
  /// Writes all of `bytes` at `offsetBytes`.
  package func write(_ bytes: [UInt8], at offsetBytes: UInt64) throws(FileError) {
    try bytes.span.bytes.withUnsafeBytes { bytes throws(FileError) in
      try write(bytes, at: offsetBytes)
    }
  }

  /// `count` bytes at `offsetBytes`, fewer where the file ends before.
  package func readBytes(count: Int, at offsetBytes: UInt64) throws(FileError) -> [UInt8] {
    try .filled(count: count) { buffer throws(FileError) in
      try read(into: buffer, at: offsetBytes)
    }
  }
}
