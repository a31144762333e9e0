import FileIO
import SystemPackage
import TestSupport
import Testing

@testable import Overlays

/// A file without support for freeing space inside it, as on NFS before 4.2.
private final class HolelessFile: ForwardingFile {
  let base: any OpenFile

  init(_ base: any OpenFile) { self.base = base }

  func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError) {
    throw FileError(operation: "punch a hole into", path: path, errno: .notSupported)
  }
}

@Suite("Overlays without holes")
struct HolelessFileTests {
  /// The old content is still in the file.
  @Test("zeroed bytes stay zero when a part of their block is written", arguments: [false, true])
  func zeroedBlock(isTrimmed: Bool) throws {
    let fileSystem = WrappedFiles { HolelessFile($0) }
    try fileSystem.createDirectory("/overlay", permissions: .ownerReadWriteExecute)
    let base = MemoryVolume([UInt8](repeating: 1, count: 128 << 10))
    let volume = try OverlayBench(base, in: "/overlay", of: fileSystem).create()
    try volume.write([UInt8](repeating: 7, count: 16_384), at: 0)
    if isTrimmed {
      try volume.trim(0..<16_384)
    } else {
      try volume.zero(0..<16_384, mayTrim: true)
    }
    try volume.write([9], at: 5000)
    var expected = [UInt8](repeating: 0, count: 16_384)
    expected[5000] = 9
    #expect(try volume.bytes(0..<16_384) == expected)
  }
}
