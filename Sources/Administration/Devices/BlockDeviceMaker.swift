import ChildProcesses
import Glibc
import LocalDevices
import Workers

/// How a volume becomes a block device here.
enum BlockDeviceMaker {
  case kernel
  case fuse

  /// - Throws: `LocalDeviceError` with what is missing, if there is no way.
  static func forThisMachine() throws(LocalDeviceError) -> BlockDeviceMaker {
    let reason: LocalDeviceError
    do {
      try KernelDevice.prepare()
      return .kernel
    } catch {
      reason = error
    }
    guard Tool.isInstalled("nbdfuse") else {
      throw LocalDeviceError(
        "\(reason), and nbdfuse is not installed", remedy: .install("libnbd-bin"))
    }
    guard access("/dev/fuse", R_OK | W_OK) == 0, access("/dev/loop-control", R_OK | W_OK) == 0
    else {
      throw LocalDeviceError(
        "\(reason), and no FUSE or loop devices to use instead")
    }
    return .fuse
  }

  /// Calls `body` with the paths of block devices of the items, while they are sure to be there.
  func withDevices(
    of items: [DiskInventory.Item], _ local: LocalVolume, sectorBytes: UInt64,
    _ cancellation: CancellationFlag, _ body: ([String]) throws -> Void
  ) throws {
    switch self {
    case .kernel:
      let device = try connectFreeDevice(local, sectorBytes: sectorBytes)
      try Self.withDevices(of: items, on: device, device.path, body)
    case .fuse:
      try Self.withDevices(of: items, on: nil, try local.showAsFile(cancellation), body)
    }
  }

  /// The same for a disk that is a device, or a file, already.
  static func withDevices(
    of items: [DiskInventory.Item], on device: KernelDevice?, _ file: String,
    _ body: ([String]) throws -> Void
  ) throws {
    guard let item = items.first else { return try body([]) }
    func go(on path: String) throws {
      try withDevices(of: Array(items.dropFirst()), on: device, file) { try body([path] + $0) }
    }
    if let device {
      guard let number = item.number else { return try go(on: device.path) }
      if let path = device.partition(number, at: item.bytes) { return try go(on: path) }
    }
    // Where the kernel reads no partition tables, and for a file.
    let loop = try LoopDevice.make(of: file, bytes: item.bytes)
    try go(on: loop.path)
    withExtendedLifetime(loop.path) {}
  }

  /// Others may take the device that was free a moment ago.
  private func connectFreeDevice(
    _ local: LocalVolume, sectorBytes: UInt64
  ) throws -> KernelDevice {
    var failure: any Error = LocalDeviceError(
      "all network block devices of the kernel are in use")
    for device in KernelDevice.free().prefix(4) {
      do {
        try local.connect(device, connections: 1, sectorBytes: sectorBytes)
        return device
      } catch {
        guard error is LocalDeviceError || error is ChildProcessError else { throw error }
        failure = error
      }
    }
    throw failure
  }
}
