package import ChunkFormat
import NIOCore
import VolumeMap

/// Reads map nodes from packs, whole or as deltas, one at a time. To be put behind a ``NodeCache``.
package final class MapNodeReader: NodeReading {
  private let source: any RecordSource
  private let workbenches = Workbenches()

  package init(source: any RecordSource) {
    self.source = source
  }

  /// The node `id`, its content checked; damage in one pack is no matter where another has it too.
  package func readNode(_ id: ContentID) throws -> MapNode {
    let bytes = try workbenches.with { bench in
      Result { () throws(RecordFailure) in
        try content(of: id, isBase: false, bench)
      }
    }.get()
    return try MapNode(encoded: Array(bytes.readableBytesView))
  }

  private func content(
    of id: ContentID, isBase: Bool, _ bench: Workbench
  ) throws(RecordFailure) -> ByteBuffer {
    var avoided: Set<FileDigest> = []
    var failure = RecordFailure.missing(id)
    while let location = try locate(id, avoiding: avoided) {
      do throws(RecordFailure) {
        return try content(at: location, isBase: isBase, bench)
      } catch {
        failure = error
        guard avoided.insert(location.pack).inserted else { break }
      }
    }
    throw failure
  }

  private func locate(
    _ id: ContentID, avoiding avoided: Set<FileDigest>
  ) throws(RecordFailure) -> RecordLocation? {
    do {
      return try source.locate([id], avoiding: avoided)[0]
    } catch {
      throw .unlocated(id, error)
    }
  }

  private func content(
    at location: RecordLocation, isBase: Bool, _ bench: Workbench
  ) throws(RecordFailure) -> ByteBuffer {
    try location.check(
      isBase: isBase, type: .mapNode, plainLimitBytes: MapNode.maximumEncodedBytes)
    let base: ByteBuffer?
    do throws(RecordFailure) {
      base = try location.entry.base.map { id throws(RecordFailure) in
        try content(of: id, isBase: true, bench)
      }
    } catch {
      throw .base(of: location, error)
    }
    bench.reserve(bytes: location.entry.rangeInPack.count)
    var result: Result<ByteBuffer, RecordFailure>?
    PackStretch.plan([.init(location: location, item: ())], lengthLimitBytes: 0, gapLimitBytes: 0)[
      0
    ]
    .read(from: source, into: bench.scratch) { _, bytes in
      result = bytes.flatMap { bytes in
        Result { () throws(RecordFailure) in
          try bench.decode(bytes, at: location, base: base, from: source)
        }
      }
    }
    return try result!.get()
  }
}

extension RecordLocation {
  /// Refuses what an index, which is only a cache, must not talk a reader into: another type of record,
  /// more memory than the content can need, a base that is itself a delta.
  func check(isBase: Bool, type: RecordType, plainLimitBytes: Int) throws(RecordFailure) {
    guard entry.type == type else {
      throw .damaged(self, "expected a \(type), found a \(entry.type)")
    }
    guard entry.plainBytes > 0, entry.plainBytes <= plainLimitBytes,
      entry.rangeInPack.count <= RecordLimits.maximumRecordBytes
    else {
      throw .damaged(
        self, "expected at most \(plainLimitBytes) bytes, found \(entry.plainBytes)")
    }
    guard !isBase || entry.base == nil else {
      throw .damaged(self, "expected a base that is no delta, found a delta")
    }
  }
}
