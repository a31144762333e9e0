import FileIO
import SystemPackage

/// What makes a file or block device this one and no other, whatever its name leads to later.
enum SourceIdentity: Equatable {
  /// Its number on the file system it lies on.
  case file(device: UInt64, inode: UInt64)
  /// The device number; the node may be made anew for the same device.
  case blockDevice(UInt64)

  init(_ descriptor: borrowing Descriptor) throws(Errno) {
    let metadata = try descriptor.metadata()
    self =
      metadata.kind == .blockDevice
      ? .blockDevice(try descriptor.representedDevice())
      : .file(device: metadata.device, inode: metadata.inode)
  }

  /// Of what a path leads to at this moment.
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
