import FileIO
import Synchronization
import SystemPackage

/// A raw image file or a block device. Its size is known, and any offset can be read any number of
/// times.
final class StoredSource: VolumeSource {
  let name: String
  let kind: VolumeSourceKind
  let canBeReadAgain = true

  private let path: FilePath?
  private let descriptor: Descriptor
  private let identity: SourceIdentity
  private let size: UInt64
  private let changeTime: FileChangeTime
  private let readsHoles: Bool
  private let footprint = Mutex(CacheFootprint())
  private let contradictions = Mutex(HoleContradictions())

  /// - Parameters:
  ///   - path: the path, which is checked again at the end; nil for standard input.
  ///   - readsHoles: whether to read ranges that the file system reports as holes.
  init(
    name: String, path: FilePath?, descriptor: consuming Descriptor, readsHoles: Bool
  ) throws(VolumeSourceError) {
    do {
      identity = try SourceIdentity(descriptor)
      size = try identity.currentSizeBytes(descriptor)
      changeTime = try descriptor.changeTime()
    } catch {
      throw .cannotOpen(name, error)
    }
    self.name = name
    self.path = path
    self.kind = identity.isBlockDevice ? .blockDevice : .file
    self.readsHoles = readsHoles
    self.descriptor = consume descriptor
    self.descriptor.advise(.sequential)
  }

  deinit {
    // Also drop the pages of reads after `finish`, which compare.
    footprint.withLock { $0.leave(descriptor) }
  }

  var sizeBytes: UInt64? { size }

  /// False for a block device: no file system reports its holes.
  var takesHolesOnTrust: Bool { !identity.isBlockDevice && !readsHoles }

  func nextExtent(at offsetBytes: UInt64) throws(VolumeSourceError) -> SourceExtent? {
    guard offsetBytes < size else { return nil }
    guard takesHolesOnTrust else {
      return SourceExtent(
        offsetBytes: offsetBytes, lengthBytes: size - offsetBytes, isHole: false)
    }
    let (endBytes, isHole) = try stretch(at: offsetBytes)
    let length = endBytes - offsetBytes
    return SourceExtent(
      offsetBytes: offsetBytes, lengthBytes: length,
      isHole: isHole && !hasContent(at: offsetBytes, lengthBytes: length))
  }

  /// Whether the file system's map of blocks has content in a reported hole. Then the range is
  /// read.
  private func hasContent(at offsetBytes: UInt64, lengthBytes: UInt64) -> Bool {
    let isWritten = descriptor.hasWrittenBlocks(at: offsetBytes, lengthBytes: lengthBytes)
    contradictions.withLock { contradictions in
      switch isWritten {
      case true?: contradictions.noteWrittenBlocks(at: offsetBytes)
      case false?: break
      case nil: contradictions.noteUnprovenHole(lengthBytes)
      }
    }
    return isWritten == true
  }

  func holeWarning() -> String? {
    guard takesHolesOnTrust, let allocated = try? descriptor.allocatedBytes() else { return nil }
    return contradictions.withLock {
      $0.warning(of: name, sizeBytes: size, allocatedBytes: allocated)
    }
  }

  func isHoleByMistake(at offsetBytes: UInt64) -> Bool {
    guard takesHolesOnTrust else { return false }
    // If nobody wrote to the file, the data was there before. If the file system still reports a
    // hole, it is wrong about the hole.
    if let now = try? descriptor.changeTime(), now == changeTime { return true }
    return (try? stretch(at: offsetBytes).isHole) ?? false
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(VolumeSourceError) -> Int {
    guard offsetBytes < size else { return 0 }
    let count = Int(clamping: min(UInt64(buffer.count), size - offsetBytes))
    footprint.withLock { $0.willRead(descriptor, at: offsetBytes, count: count, sizeBytes: size) }
    var done = 0
    while done < count {
      let position = offsetBytes + UInt64(done)
      let step: Int
      do {
        step = try descriptor.readPart(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[done..<count]), at: position)
      } catch {
        throw .readFailed(name, at: position, error)
      }
      if step == 0 { throw .endedEarly(name, at: position, sizeBytes: size) }
      done += step
    }
    return done
  }

  func finish() throws(VolumeSourceError) {
    footprint.withLock { $0.leave(descriptor) }
    let sizeNow: UInt64
    do {
      sizeNow = try identity.currentSizeBytes(descriptor)
    } catch {
      throw .readFailed(name, at: size, error)
    }
    if sizeNow != size { throw .sizeChanged(name, from: size, to: sizeNow) }
    if let path { try requireSameSource(at: path) }
  }

  /// The end of the data or hole at `offsetBytes`, from lseek(2). If the file system does not
  /// support this, everything is data.
  private func stretch(
    at offsetBytes: UInt64
  ) throws(VolumeSourceError) -> (endBytes: UInt64, isHole: Bool) {
    do throws(Errno) {
      guard let dataStart = try descriptor.dataStart(from: offsetBytes) else { return (size, true) }
      if dataStart > offsetBytes { return (min(dataStart, size), true) }
      let holeStart = try descriptor.holeStart(from: offsetBytes)
      return (min(max(holeStart, offsetBytes + 1), size), false)
    } catch .invalidArgument, .notSupported {
      return (size, false)
    } catch {
      throw .readFailed(name, at: offsetBytes, error)
    }
  }

  private func requireSameSource(at path: FilePath) throws(VolumeSourceError) {
    let found: SourceIdentity
    do throws(Errno) {
      found = try SourceIdentity(path)
    } catch .noSuchFileOrDirectory {
      throw .replaced(name, by: "nothing")
    } catch {
      throw .cannotOpen(name, error)
    }
    if found != identity { throw .replaced(name, by: "another volume") }
  }
}
