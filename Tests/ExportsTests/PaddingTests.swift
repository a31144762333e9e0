import Exports
import NBDTestSupport
import NBDServer
import NIOCore
import Testing
import VolumeMap
import VolumeReader

@Suite("Exports of whole sectors end with zeros")
struct PaddingTests {
  private func padded(_ volume: ScratchVolume) throws -> any ReadableVolume {
    try #require(try PaddedCatalog(ScratchCatalog(volume)).open("disk")).volume
  }

  private func bytes(_ pieces: [VolumePiece]) -> [UInt8] {
    pieces.flatMap { piece in
      switch piece {
      case .data(let bytes): Array(bytes.readableBytesView)
      case .hole(let length): [UInt8](repeating: 0, count: Int(length))
      }
    }
  }

  @Test(
    "The size is a whole number of sectors",
    arguments: [(0, 0), (1, 512), (511, 512), (512, 512), (513, 1024)] as [(UInt64, UInt64)])
  func size(base: UInt64, padded size: UInt64) throws {
    #expect(try padded(ScratchVolume(sizeBytes: base)).sizeBytes == size)
  }

  @Test("Reads before, across and behind the end")
  func reading() throws {
    let scratch = ScratchVolume(sizeBytes: 1000)
    try scratch.write([UInt8](repeating: 7, count: 1000), at: 0)
    let volume = try padded(scratch)
    #expect(bytes(try volume.content(of: 998..<1000)) == [7, 7])
    #expect(bytes(try volume.content(of: 998..<1002)) == [7, 7, 0, 0])
    #expect(bytes(try volume.content(of: 1000..<1024)) == [UInt8](repeating: 0, count: 24))
    #expect(bytes(try volume.content(of: 1010..<1024)) == [UInt8](repeating: 0, count: 14))
  }

  @Test("The padding is a hole")
  func allocation() throws {
    func extent(_ offset: UInt64, _ length: UInt64, isHole: Bool) -> AllocationExtent {
      AllocationExtent(offsetBytes: offset, lengthBytes: length, isHole: isHole)
    }
    let volume = try padded(ScratchVolume(sizeBytes: 1000))
    #expect(
      try volume.allocation(of: 900..<1024, limit: 9)
        == [extent(900, 100, isHole: false), extent(1000, 24, isHole: true)])
    #expect(
      try volume.allocation(of: 900..<1024, limit: 1) == [extent(900, 100, isHole: false)])
    #expect(
      try volume.allocation(of: 1010..<1024, limit: 9) == [extent(1010, 14, isHole: true)])
    let holes = MemoryVolume(sizeBytes: 1000) { _ in true }
    let catalog = PaddedCatalog(MemoryCatalog(volumes: ["disk": holes]))
    let hole = try #require(try catalog.open("disk")).volume
    #expect(try hole.allocation(of: 0..<1024, limit: 9) == [extent(0, 1024, isHole: true)])
  }

  @Test("Only zeros can be written behind the end")
  func writing() throws {
    let scratch = ScratchVolume(sizeBytes: 1000)
    let writer = try #require(try padded(scratch) as? any WritableVolume)
    try writer.write([1, 2, 0, 0], at: 998)
    #expect(scratch.bytes(998..<1000) == [1, 2])
    expectNoRoom {
      try writer.write([3, 4, 0, 5], at: 998)
    }
    #expect(scratch.bytes(998..<1000) == [1, 2])
    expectNoRoom { try writer.write([1], at: 1000) }
    try writer.write([0], at: 1010)
    try writer.zero(999..<1024, mayTrim: false)
    try writer.trim(998..<1020)
    try writer.zero(1001..<1024, mayTrim: true)
    try writer.trim(1001..<1024)
    #expect(
      scratch.deeds == [.write(998..<1000), .zero(999..<1000, mayTrim: false), .trim(998..<1000)])
  }

  private func expectNoRoom(_ body: () throws -> Void) {
    let error = #expect(throws: (any Error).self) { try body() }
    #expect((error as? any VolumeWriteFailure)?.isOutOfSpace == true)
  }

  @Test("A read-only volume stays read-only")
  func readOnly() throws {
    let catalog = PaddedCatalog(MemoryCatalog(volumes: ["disk": MemoryVolume(sizeBytes: 1000)]))
    #expect(try #require(try catalog.open("disk")).writer.map { _ in } == nil)
    #expect(try catalog.open("other").map { _ in } == nil)
  }

  @Test("A client that reconnects gets the same padded volume")
  func reopening() throws {
    let catalog = PaddedCatalog(MovedCatalog())
    let export = try #require(try catalog.reopen("disk", as: "old"))
    #expect(export.canonicalName == "old" && export.volume.sizeBytes == 512)
    #expect(export.notice != nil)
  }
}

/// A catalogue in which `disk` has come to stand for something else.
private struct MovedCatalog: ExportCatalog {
  func list() -> [ExportListing] { [] }

  func open(_ name: String) -> OpenedExport? { nil }

  func reopen(_ name: String, as canonicalName: String) -> OpenedExport? {
    var export = OpenedExport(
      canonicalName: canonicalName, description: "", volume: ScratchVolume(sizeBytes: 1))
    export.notice = "\(name) stays \(canonicalName)"
    return export
  }
}

extension WritableVolume {
  fileprivate func write(_ bytes: [UInt8], at offsetBytes: UInt64) throws {
    try bytes.withUnsafeBytes { try write($0, at: offsetBytes) }
  }
}
