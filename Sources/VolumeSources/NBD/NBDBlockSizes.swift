import CNBD

/// The server's requirements for the offsets and lengths of requests.
struct NBDBlockSizes {
  /// Offsets and lengths must be multiples of this, except at the end of an export of odd size.
  let minimumBytes: UInt64
  /// The largest length of a request: a multiple of the minimum.
  let pieceBytes: Int

  /// - Parameter pieceLimitBytes: the largest length to use, even if the server accepts longer requests.
  init(_ handle: OpaquePointer, pieceLimitBytes: Int) {
    // 0 or less: the server states no limits. Requests may then have 1 byte to 32 MiB (NBD
    // protocol, "Block size constraints").
    let minimum = max(1, Int(nbd_get_block_size(handle, Int32(LIBNBD_SIZE_MINIMUM))))
    let stated = Int(nbd_get_block_size(handle, Int32(LIBNBD_SIZE_MAXIMUM)))
    let limit = stated > 0 ? min(stated, pieceLimitBytes) : pieceLimitBytes
    minimumBytes = UInt64(minimum)
    pieceBytes = max(minimum, limit - limit % minimum)
  }

  /// The end of the block that holds the byte before `offsetBytes`.
  func end(of offsetBytes: UInt64, _ exportSizeBytes: UInt64) -> UInt64 {
    let blockCount = (offsetBytes + minimumBytes - 1) / minimumBytes
    return min(blockCount * minimumBytes, exportSizeBytes)
  }
}
