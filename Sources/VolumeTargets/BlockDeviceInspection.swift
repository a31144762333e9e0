import FileIO
import Glibc
import SystemPackage

/// Checks of a block device before it is overwritten. They change nothing.
struct BlockDeviceInspection {
  private let name: String
  private let number: DeviceNumber
  private let sizeBytes: UInt64
  private let isReadOnly: Bool

  init(name: String, path: FilePath) throws(RestoreTargetError) {
    self.name = name
    do {
      let descriptor = try Descriptor(opening: path, flags: O_RDONLY)
      number = DeviceNumber(packed: try descriptor.representedDevice())
      sizeBytes = try descriptor.blockDeviceSizeBytes()
      isReadOnly = try descriptor.isReadOnlyBlockDevice()
    } catch {
      throw .cannotOpen(name, error)
    }
  }

  /// Refuses a device that is read-only, too small, completely or partly mounted, or in use by
  /// other devices that are built on it.
  func requireFit(forBytes neededBytes: UInt64) throws(RestoreTargetError) {
    if isReadOnly { throw .readOnly(name) }
    guard sizeBytes >= neededBytes else {
      throw .tooSmall(name, sizeBytes: sizeBytes, neededBytes: neededBytes)
    }
    let mounts = try mountTable()
    for device in [number] + number.partitions() {
      if let mount = mounts.mount(of: device) {
        throw .mounted(name, device: device.devicePath, at: mount.mountPoint)
      }
      if let holder = device.holders().first { throw .inUse(name, by: holder) }
    }
  }

  /// Whether it is a thin volume of the device mapper.
  var isThinVolume: Bool { Descriptor.isThinVolume(device: number.packed) }

  /// Whether discarded ranges of the device are freed and read as zeros, at least in whole blocks
  /// of the device.
  ///
  /// The kernel no longer reports this (`discard_zeroes_data`). A discarded range of a flash disk
  /// may read as zeros now and as its old content later. So only devices for which this cannot
  /// happen count: thin volumes of the device mapper, and devices that software provides.
  var readsDiscardedAsZeros: Bool {
    if isThinVolume { return true }
    let driver = number.devicePath.dropFirst("/dev/".count).prefix { $0.isLetter }
    return ["loop", "nbd", "rbd", "zd"].contains(driver)
      || driver.hasPrefix("vd") || driver.hasPrefix("xvd")
  }

  private func mountTable() throws(RestoreTargetError) -> MountTable {
    do {
      return try MountTable.current()
    } catch {
      throw .cannotOpen(name, error.errno)
    }
  }
}
