import FileIO
import Synchronization
import SystemPackage

/// A raw image file or a block device: known size, any offset, any number of times.
final class StoredSource: VolumeSource {
  let name: String
  let kind: VolumeSourceKind
  let canBeReadAgain = true

  private let path: FilePath?
  private let descriptor: Descriptor
  private let identity: SourceIdentity
  private let size: UInt64
  private let footprint = Mutex(CacheFootprint())

  /// - Parameter path: what is looked at again in the end; nil for standard input.
  init(name: String, path: FilePath?, descriptor: consuming Descriptor) throws(VolumeSourceError) {
    do {
      identity = try SourceIdentity(descriptor)
      size = try identity.currentSizeBytes(descriptor)
    } catch {
      throw .cannotOpen(name, error)
    }
    self.name = name
    self.path = path
    self.kind = identity.isBlockDevice ? .blockDevice : .file
    self.descriptor = consume descriptor
    self.descriptor.advise(.sequential)
  }

  deinit {
    // Reads after `finish`, to compare, leave nothing behind either.
    footprint.withLock { $0.leave(descriptor) }
  }

  var sizeBytes: UInt64? { size }

  func nextExtent(at offsetBytes: UInt64) throws(VolumeSourceError) -> SourceExtent? {
    guard offsetBytes < size else { return nil }
    // No file system says where a block device has holes.
    let (endBytes, isHole) =
      identity.isBlockDevice ? (size, false) : try stretch(at: offsetBytes)
    return SourceExtent(
      offsetBytes: offsetBytes, lengthBytes: endBytes - offsetBytes, isHole: isHole)
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

  /// Where the data or hole at `offsetBytes` ends, from lseek(2); all is data where the file system
  /// does not tell.
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
