import FileIO
import TestSupport
import Testing
import VolumeMap

@testable import Overlays

@Suite("Overlays of large volumes")
struct LargeVolumeTests {
  private static let sizeBytes: UInt64 = 20 << 40

  /// The states of a volume that is all data take 1.3 GB. For a volume that is nearly all hole,
  /// almost nothing must be written.
  @Test("discarding 20 TiB that are mostly empty is quick and needs no space or memory")
  func discard() throws {
    let base = SparseVolume(sizeBytes: Self.sizeBytes, dataBytes: 1 << 30)
    let bench = try OverlayBench(base)
    let volume = try bench.create()
    let places = [0, 1 << 30, 5 << 40, Self.sizeBytes - 10]
    for place in places { try volume.write([1, 2, 3], at: place) }
    let elapsed = try ContinuousClock().measure {
      try volume.trim(0..<Self.sizeBytes)
      try volume.zero(0..<Self.sizeBytes, mayTrim: true)
      try volume.synchronize()
    }
    #expect(elapsed < .seconds(5))
    #expect(try bench.allocatedBytes() < 1 << 20)
    for volume in [volume, try bench.open()] {
      for place in places { #expect(try volume.bytes(place..<place + 3) == [0, 0, 0]) }
      #expect(try volume.bytes(500 << 20..<(500 << 20) + 3) == [0, 0, 0])
      let extents = try volume.allocation(of: 0..<Self.sizeBytes, limit: 10)
      #expect(extents.map(\.isHole) == [true])
      #expect(extents.first?.lengthBytes == Self.sizeBytes)
    }
  }

  @Test("scattered writes over 20 TiB keep a limited number of states in memory")
  func scattered() throws {
    var random = SeededRandom()
    var bench = try OverlayBench(SparseVolume(sizeBytes: Self.sizeBytes))
    bench.partBytes = DataParts.standardPartBytes
    bench.limits = StateTable.Limits(cleanPages: 8, dirtyPages: 8)
    let volume = try bench.create()
    let places = (0..<200).map { _ in UInt64.random(in: 0..<Self.sizeBytes - 8, using: &random) }
    for place in places {
      try volume.write(place.bytes, at: place)
      #expect(volume.overlay.states.heldCount <= 8 + 8 + 2)
    }
    try volume.synchronize()
    let found = try bench.open()
    for place in places {
      #expect(try found.bytes(place..<place + 8) == place.bytes, "\(random)")
    }
  }

  @Test("each TiB has its own file, because ext4 has no files of 20 TiB")
  func parts() throws {
    var bench = try OverlayBench(SparseVolume(sizeBytes: Self.sizeBytes))
    bench.partBytes = DataParts.standardPartBytes
    let volume = try bench.create()
    let boundary: UInt64 = 3 << 40
    try volume.write([UInt8](repeating: 7, count: 10_000), at: boundary - 5000)
    let names = try bench.place.fileSystem.list(bench.place.directory).map(\.name)
    #expect(names == ["vda.data-2", "vda.data-3", "vda.pending", "vda.state"])
    #expect(
      try volume.bytes(boundary - 5001..<boundary + 5001)
        == [0] + [UInt8](repeating: 7, count: 10_000) + [0])
    let last = Self.sizeBytes - 1
    try volume.write([1], at: last)
    try volume.synchronize()
    #expect(try bench.open().bytes(last..<last + 1) == [1])
  }
}

extension UInt64 {
  fileprivate var bytes: [UInt8] { withUnsafeBytes(of: littleEndian, Array.init) }
}
