/// A bit for each of so many things, all zero at first. Inlined, since it is asked for every record.
package struct Bitmap {
  @usableFromInline var words: [UInt64]

  @inlinable
  package init(count: Int) { words = Array(repeating: 0, count: count / 64 + 1) }

  @inlinable
  package subscript(_ index: Int) -> Bool {
    words[index >> 6] & (1 << UInt64(index & 63)) != 0
  }

  /// Clears the bit.
  @inlinable
  package mutating func remove(_ index: Int) {
    words[index >> 6] &= ~(1 << UInt64(index & 63))
  }

  /// Sets the bit; returns whether it was zero.
  @inlinable
  package mutating func insert(_ index: Int) -> Bool {
    let mask: UInt64 = 1 << UInt64(index & 63)
    let isNew = words[index >> 6] & mask == 0
    words[index >> 6] |= mask
    return isNew
  }
}
