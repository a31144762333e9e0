import NBDTestSupport
import TestSupport

/// A received chunk of a structured reply.
struct Chunk {
  var isDone: Bool
  var type: UInt16
  var cookie: UInt64
  var payload: [UInt8]

  /// The offset and the bytes of a data or hole chunk.
  var content: (UInt64, [UInt8])? {
    switch type {
    case 1: (integer(payload[..<8]), Array(payload[8...]))
    case 2: (integer(payload[..<8]), [UInt8](repeating: 0, count: Int(integer(payload[8...]))))
    default: nil
    }
  }
}

private func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.reduce(0) { $0 << 8 | UInt64($1) }
}

extension RawClient {
  func receiveChunk() throws -> Chunk {
    let header = try receive(20)
    guard header.count == 20, header[..<4].elementsEqual([0x66, 0x8e, 0x33, 0xef]) else {
      throw Failure(description: "that is no chunk: \(header)")
    }
    return Chunk(
      isDone: header[5] & 1 == 1, type: UInt16(integer(header[6..<8])),
      cookie: integer(header[8..<16]), payload: try receive(Int(integer(header[16...]))))
  }
}

/// A value that needs its server to stay alive.
struct Held<Value> {
  let server: RunningServer
  let value: Value
}

extension RunningServer {
  func held<Value>(_ make: (RunningServer) throws -> Value) rethrows -> Held<Value> {
    Held(server: self, value: try make(self))
  }
}
