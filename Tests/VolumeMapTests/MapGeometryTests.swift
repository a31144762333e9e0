import ChunkFormat
import Testing
import VolumeMap

@Suite struct MapGeometryTests {
  @Test(
    "size, chunk size, chunks, levels, length of the last chunk",
    arguments: [
      (0, 4096, 0, 1, 0),
      (1, 4096, 1, 1, 1),
      (4096, 4096, 1, 1, 4096),
      (4097, 4096, 2, 1, 1),
      (256 * 4096, 4096, 256, 1, 4096),
      (256 * 4096 + 1, 4096, 257, 2, 1),
      (65536, 1, 65536, 2, 1),
      (65537, 1, 65537, 3, 1),
      (20 << 40, 128 << 10, 160 << 20, 4, 128 << 10),
      (UInt64(1) << 62, 64 << 10, 1 << 46, 6, 64 << 10),
      (UInt64(1) << 62, 1, UInt64(1) << 62, 8, 1),
    ] as [(UInt64, Int, UInt64, Int, Int)])
  func shape(_ size: UInt64, _ chunkSize: Int, _ count: UInt64, _ levels: Int, _ last: Int) throws {
    let geometry = try MapGeometry(sizeBytes: size, chunkSizeBytes: chunkSize)
    #expect(geometry.chunkCount == count)
    #expect(geometry.levels == levels)
    guard count > 0 else { return }
    let end = geometry.endChunk
    #expect(end == ChunkNumber(count))
    #expect(geometry.plainLengthBytes(ofChunk: end.advanced(by: -1)) == last)
    #expect(geometry.bytes(ofChunk: end.advanced(by: -1)).upperBound == size)
    #expect(geometry.chunks(holding: 0..<size) == 0..<end)
    #expect(geometry.bytes(ofChunks: 0..<end) == 0..<size)
  }

  @Test(
    "impossible shapes are refused",
    arguments: [
      ((UInt64(1) << 62) + 1, 4096), (UInt64.max, 4096), (1, 0), (1, -4096), (1, 4095),
    ])
  func refused(_ size: UInt64, _ chunkSize: Int) {
    #expect { try MapGeometry(sizeBytes: size, chunkSizeBytes: chunkSize) } throws: {
      ($0 as? MapError)?.code == .invalidArgument
    }
  }

  @Test("a range of bytes gives the chunks that hold it") func chunksHoldingBytes() throws {
    let geometry = try MapGeometry(sizeBytes: 10_000, chunkSizeBytes: 4096)
    #expect(geometry.chunks(holding: 0..<1) == 0..<1)
    #expect(geometry.chunks(holding: 4095..<4097) == 0..<2)
    #expect(geometry.chunks(holding: 4096..<8192) == 1..<2)
    #expect(geometry.chunks(holding: 9_999..<10_000) == 2..<3)
    #expect(geometry.chunks(holding: 5000..<5000).isEmpty)
    #expect(geometry.bytes(ofChunk: 2) == 8192..<10_000)
  }

  @Test("positions match the numbers of their chunks") func positions() {
    let chunk: ChunkNumber = 0x0102_0304_0506_0708
    for level in 0..<8 {
      let position = NodePosition(level: level, holding: chunk)
      #expect(position.holds(chunk))
      #expect(position.firstChunk <= chunk && chunk < position.endChunk)
      #expect(position.childIndex(of: chunk) == 8 - level)
      guard level > 0 else { continue }
      let below = NodePosition(level: level - 1, holding: chunk)
      #expect(position.child(8 - level) == below)
      #expect(below.parent == (position, 8 - level))
    }
    #expect(!NodePosition(level: 0, number: 1).holds(255))
    #expect(!NodePosition(level: 0, number: 1).holds(512))
  }
}
