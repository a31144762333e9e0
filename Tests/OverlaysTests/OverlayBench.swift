import FileIO
import SystemPackage
import TestSupport
import VolumeReader

@testable import Overlays

/// The files of one volume's overlay in a directory. Can open the overlay again and again.
struct OverlayBench {
  let place: OverlayPlace
  let base: any ReadableVolume
  /// Small, so that small volumes have several parts.
  var partBytes: UInt64 = 48 << 20
  var limits: StateTable.Limits?
  private let directory: TemporaryDirectory?

  /// Creates the files on this machine, in memory if possible.
  init(_ base: any ReadableVolume) throws {
    let directory = try TemporaryDirectory(inMemory: true)
    self.directory = directory
    self.base = base
    place = OverlayPlace(
      directory: directory.path, volume: "vda", fileSystem: POSIXFileSystem())
  }

  init(_ base: any ReadableVolume, in directory: FilePath, of fileSystem: any FileSystem) {
    self.directory = nil
    self.base = base
    place = OverlayPlace(directory: directory, volume: "vda", fileSystem: fileSystem)
  }

  func create() throws -> OverlaidVolume {
    try StateFile.create(in: place, volumeBytes: base.sizeBytes).close()
    try place.synchronize()
    return try open()
  }

  func open() throws -> OverlaidVolume {
    try OverlaidVolume(
      base: base,
      overlay: VolumeOverlay.open(
        in: place, sizeBytes: base.sizeBytes, limits: limits, partBytes: partBytes))
  }

  /// Returns the space that the files use.
  func allocatedBytes() throws -> UInt64 {
    try place.fileSystem.list(place.directory).reduce(0) {
      try $0 + place.fileSystem.metadata(of: place.directory.appending($1.name)).allocatedBytes
    }
  }
}
