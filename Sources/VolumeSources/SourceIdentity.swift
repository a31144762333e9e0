import FileIO
import SystemPackage

/// Identifies a file or block device, even if its name leads to another one later.
enum SourceIdentity: Equatable {
  /// The file system, and the number of the file on it.
  case file(device: UInt64, inode: UInt64)
  /// The device number. The device node may be created again for the same device.
  case blockDevice(UInt64)

  init(_ descriptor: borrowing Descriptor) throws(Errno) {
    let metadata = try descriptor.metadata()
    self =
      metadata.kind == .blockDevice
      ? .blockDevice(try descriptor.representedDevice())
      : .file(device: metadata.device, inode: metadata.inode)
  }

  /// The identity of the file or device to which a path leads now.
  init(_ path: FilePath) throws(Errno) {
    try self.init(Descriptor(lookingAt: path))
  }

  var isBlockDevice: Bool {
    if case .blockDevice = self { true } else { false }
  }

  func currentSizeBytes(_ descriptor: borrowing Descriptor) throws(Errno) -> UInt64 {
    isBlockDevice ? try descriptor.blockDeviceSizeBytes() : try descriptor.metadata().sizeBytes
  }
}
