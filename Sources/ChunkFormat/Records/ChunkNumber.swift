/// Which chunk of a volume: chunks are counted from 0 at its beginning. A type of its own, since offsets in
/// volumes and packs are numbers of 64 bits, too.
package struct ChunkNumber: Hashable, Sendable {
  package let value: UInt64

  @inlinable
  package init(_ value: UInt64) { self.value = value }

  /// So many chunks on.
  @inlinable
  package static func + (chunk: Self, count: UInt64) -> Self { Self(chunk.value + count) }

  /// Goes so many chunks on.
  @inlinable
  package static func += (chunk: inout Self, count: UInt64) { chunk = chunk + count }

  /// How many chunks `first` is before `end`.
  @inlinable
  package static func - (end: Self, first: Self) -> UInt64 { end.value - first.value }
}

extension ChunkNumber: Strideable {
  @inlinable
  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }

  @inlinable
  package func distance(to other: Self) -> Int { value.distance(to: other.value) }

  @inlinable
  package func advanced(by count: Int) -> Self { Self(value.advanced(by: count)) }
}

extension ChunkNumber: ExpressibleByIntegerLiteral {
  @inlinable
  package init(integerLiteral value: UInt64) { self.init(value) }
}

extension ChunkNumber: CustomStringConvertible {
  package var description: String { "\(value)" }
}
