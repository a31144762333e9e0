import TestSupport
import Testing
import VolumeTargets

/// The behaviour that all kinds of target must share.
@Suite struct TargetConformanceTests {
  static let sizes = [0, 1, 511, 4096, 70_001, (3 << 20) + 513]

  /// A volume that is cut into ranges of data and of zeros.
  private struct Volume {
    let bytes: [UInt8]
    let stretches: [(range: Range<Int>, isZero: Bool)]

    init(count: Int, _ random: inout SeededRandom) {
      var bytes: [UInt8] = []
      var stretches: [(Range<Int>, Bool)] = []
      while bytes.count < count {
        let length = min(Int.random(in: 1...300_000, using: &random), count - bytes.count)
        let isZero = Bool.random(using: &random)
        stretches.append((bytes.count..<bytes.count + length, isZero))
        bytes += isZero ? [UInt8](repeating: 0, count: length) : random.bytes(length)
      }
      self.bytes = bytes
      self.stretches = stretches
    }

    func restore(to target: any RestoreTarget, _ order: [(range: Range<Int>, isZero: Bool)]) throws
    {
      try target.prepare(sizeBytes: UInt64(bytes.count))
      for (range, isZero) in order {
        if isZero {
          try target.writeZeros(at: UInt64(range.lowerBound), lengthBytes: UInt64(range.count))
        } else {
          try target.write(bytes[range], at: range.lowerBound)
        }
      }
      try target.finish()
    }
  }

  /// Checks that the target's storage contains the volume, and the old content past the volume's
  /// end.
  private func expect(
    _ stored: [UInt8], holds bytes: [UInt8], _ kind: TargetKind, _ random: SeededRandom
  ) {
    #expect(Array(stored.prefix(bytes.count)) == bytes, "\(random)")
    let rest = stored.dropFirst(bytes.count)
    #expect(rest.isEmpty == !kind.hasRoomPastTheEnd, "\(random)")
    #expect(rest.allSatisfy { $0 == TargetUnderTest.fillByte }, "touched past the end, \(random)")
  }

  @Test(arguments: TargetKind.available, sizes)
  func holdsTheVolumeWrittenInOrder(kind: TargetKind, size: Int) throws {
    var random = SeededRandom()
    let volume = Volume(count: size, &random)
    let stored = try TargetUnderTest(kind, volumeSizeBytes: size).storedAfter { target in
      try volume.restore(to: target, volume.stretches)
    }
    expect(stored, holds: volume.bytes, kind, random)
  }

  @Test(arguments: TargetKind.seekable)
  func holdsTheVolumeWrittenInAnyOrderAndReadsItBack(kind: TargetKind) throws {
    var random = SeededRandom()
    let volume = Volume(count: (3 << 20) + 513, &random)
    let subject = try TargetUnderTest(kind, volumeSizeBytes: volume.bytes.count)
    let stored = try subject.storedAfter { target in
      #expect(target.isSeekable && target.canBeReadBack)
      try volume.restore(to: target, volume.stretches.shuffled(using: &random))
      for _ in 0..<20 {
        let start = Int.random(in: 0..<volume.bytes.count, using: &random)
        let count = Int.random(in: 0...min(1 << 20, volume.bytes.count - start), using: &random)
        let expected = Array(volume.bytes[start..<start + count])
        #expect(try target.read(count, at: start) == expected, "\(random)")
      }
      #expect(try target.read(volume.bytes.count, at: 0) == volume.bytes, "\(random)")
    }
    expect(stored, holds: volume.bytes, kind, random)
  }

  @Test(arguments: TargetKind.seekable)
  func whatIsWrittenLastCounts(kind: TargetKind) throws {
    var random = SeededRandom()
    let size = 300_001
    var expected = [UInt8](repeating: 0, count: size)
    let subject = try TargetUnderTest(kind, volumeSizeBytes: size)
    let stored = try subject.storedAfter { target in
      try target.prepare(sizeBytes: UInt64(size))
      try target.writeZeros(at: 0, lengthBytes: UInt64(size))
      for _ in 0..<60 {
        let start = Int.random(in: 0..<size, using: &random)
        let count = Int.random(in: 0...min(40_000, size - start), using: &random)
        let isZero = Bool.random(using: &random)
        let bytes = isZero ? [UInt8](repeating: 0, count: count) : random.bytes(count)
        expected.replaceSubrange(start..<start + count, with: bytes)
        if isZero {
          try target.writeZeros(at: UInt64(start), lengthBytes: UInt64(count))
        } else {
          try target.write(bytes, at: start)
        }
      }
      try target.finish()
    }
    expect(stored, holds: expected, kind, random)
  }

  @Test(arguments: TargetKind.seekable)
  func nothingIsWrittenPastTheVolume(kind: TargetKind) throws {
    let subject = try TargetUnderTest(kind, volumeSizeBytes: 10_000)
    _ = try subject.storedAfter { target in
      try target.prepare(sizeBytes: 10_000)
      let attempts: [() throws -> Void] = [
        { try target.write([1, 2], at: 9_999) },
        { try target.write([1], at: 10_000) },
        { try target.writeZeros(at: 9_999, lengthBytes: 2) },
        { try target.writeZeros(at: .max, lengthBytes: .max) },
        { _ = try target.read(2, at: 9_999) },
      ]
      for attempt in attempts {
        #expect(throws: RestoreTargetError.self) { try attempt() }
      }
    }
  }

  @Test(arguments: TargetKind.seekable)
  func nothingWorksUnpreparedOrAbandoned(kind: TargetKind) throws {
    let subject = try TargetUnderTest(kind, volumeSizeBytes: 100)
    _ = try? subject.storedAfter { target in
      #expect(throws: RestoreTargetError.self) { try target.write([1], at: 0) }
      #expect(throws: RestoreTargetError.self) { try target.finish() }
      try target.prepare(sizeBytes: 100)
      target.abandon()
      target.abandon()
      #expect(throws: RestoreTargetError.self) { try target.write([1], at: 0) }
      #expect(throws: RestoreTargetError.self) { try target.finish() }
    }
  }
}
