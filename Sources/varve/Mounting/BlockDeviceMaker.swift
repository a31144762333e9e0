import Glibc

/// How a volume becomes a block device here.
enum BlockDeviceMaker {
  case kernel
  case fuse

  /// - Throws: ``Failure`` where there is no way, with what is missing.
  static func forThisMachine() throws(Failure) -> BlockDeviceMaker {
    let reason: Failure
    do {
      try KernelDevice.prepare()
      return .kernel
    } catch {
      reason = error
    }
    guard Tool.isInstalled("nbdfuse") else {
      throw Failure(
        "\(reason), and there is no nbdfuse; install it, such as with 'apt install libnbd-bin'")
    }
    guard access("/dev/fuse", R_OK | W_OK) == 0, access("/dev/loop-control", R_OK | W_OK) == 0
    else {
      throw Failure("\(reason), and it has no FUSE or no loop devices, which would do instead")
    }
    return .fuse
  }

  /// Calls `body` with the path of a block device of the item, while it is sure to be there.
  func withDevice(
    of item: DiskInventory.Item, _ local: LocalVolume, _ body: (String) throws -> Void
  ) throws {
    let file: String
    switch self {
    case .kernel:
      let device = try connectFreeDevice(local)
      guard let number = item.number else { return try body(device.path) }
      if let path = device.partition(number, at: item.bytes) { return try body(path) }
      file = device.path
    case .fuse: file = try local.showAsFile()
    }
    // Where the kernel reads no partition tables, and for a file.
    let loop = try LoopDevice.make(of: file, bytes: item.bytes)
    try body(loop.path)
    withExtendedLifetime(loop.path) {}
  }

  /// Others may take the device that was free a moment ago.
  private func connectFreeDevice(_ local: LocalVolume) throws -> KernelDevice {
    var failure = Failure("all network block devices of the kernel are in use")
    for device in KernelDevice.free().prefix(4) {
      do {
        try local.connect(device, connections: 1)
        return device
      } catch let error as Failure {
        failure = error
      }
    }
    throw failure
  }
}
