import FileIO
import Glibc
import SystemPackage
import TestSupport
import VolumeSources

extension VolumeSource {
  /// Reads a source as its documentation requires: extent by extent to the end, then `finish()`.
  func readWhole(pieceBytes: Int = 1 << 20) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let extent = try nextExtent(at: UInt64(bytes.count)) {
      if extent.isHole {
        bytes += [UInt8](repeating: 0, count: Int(extent.lengthBytes))
        continue
      }
      while UInt64(bytes.count) < extent.endBytes {
        let wanted = min(pieceBytes, Int(extent.endBytes) - bytes.count)
        let piece = try read(wanted, at: UInt64(bytes.count))
        bytes += piece
        if piece.count < wanted { break }
      }
    }
    try finish()
    return bytes
  }

  func read(_ count: Int, at offsetBytes: UInt64) throws -> [UInt8] {
    var piece = [UInt8](repeating: 0xee, count: count)
    let length = try piece.withUnsafeMutableBytes { try read(into: $0, at: offsetBytes) }
    return Array(piece.prefix(length))
  }

  /// All extents, in order.
  func extents() throws -> [SourceExtent] {
    var extents: [SourceExtent] = []
    while let extent = try nextExtent(at: extents.last?.endBytes ?? 0) { extents.append(extent) }
    return extents
  }
}
