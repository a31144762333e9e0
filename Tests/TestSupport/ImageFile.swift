import FileIO
import Glibc
package import SystemPackage

extension FilePath {
  package func truncate(toBytes sizeBytes: UInt64) throws {
    try Descriptor(opening: self, flags: O_WRONLY | O_CREAT, permissions: .ownerReadWrite)
      .truncate(toBytes: sizeBytes)
  }

  package func write(_ bytes: [UInt8], at offsetBytes: UInt64) throws {
    let file = try POSIXFileSystem().openFile(self, for: .readingAndWriting)
    try bytes.withUnsafeBytes { try file.write($0, at: offsetBytes) }
  }

  /// Everything it holds, block devices too.
  package func contents() throws -> [UInt8] {
    let descriptor = try Descriptor(opening: self, flags: O_RDONLY)
    let isDevice = try descriptor.metadata().kind == .blockDevice
    let size = try isDevice ? descriptor.blockDeviceSizeBytes() : descriptor.metadata().sizeBytes
    var bytes = [UInt8](repeating: 0, count: Int(size))
    _ = try bytes.withUnsafeMutableBytes { try descriptor.read(into: $0, at: 0) }
    return bytes
  }
}

/// The space a file takes.
package func allocatedBytes(of path: FilePath) -> Int {
  var status = stat()
  return stat(path.string, &status) == 0 ? Int(status.st_blocks) * 512 : -1
}

extension TemporaryDirectory {
  /// tmpfs keeps everything in the page cache, so nothing could be seen there.
  package static let dropsPages: Bool = {
    guard let directory = try? TemporaryDirectory(),
      let path = try? directory.file("probe", [UInt8](repeating: 1, count: 1 << 20)),
      let file = try? Descriptor(opening: path, flags: O_RDWR)
    else { return false }
    try? file.synchronize()
    file.advise(.notNeeded)
    let blocks = try? file.residentBlocks(at: 0, lengthBytes: 1 << 20, blockBytes: 1 << 20)
    return blocks == [false]
  }()
}
