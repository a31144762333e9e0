import ChildProcesses
import FileIO
import Glibc
import SystemPackage

/// Finds the users of a block device. While it is in use, it must not be disconnected.
struct DeviceUse {
  /// Long enough for programs that only examine new devices, such as udev.
  private static let patience = Duration.seconds(2)

  private let devices: [BlockDeviceEntry]
  private let key: String?
  private let connector: Int?

  /// - Parameters:
  ///   - device: the device.
  ///   - key: the key of the volume groups on the device. Their logical volumes count as parts of
  ///     it.
  ///   - connector: the process that connected the device. It has the device open, but does not
  ///     count.
  init(of device: BlockDeviceEntry, groupKey key: String?, connector: Int?) {
    var all = [device] + device.partitions
    var next = 0
    while next < all.count {
      let volumes = all[next].holders.filter { $0.isLogicalVolume(ofGroupsWith: key) }
      all += volumes.filter { !all.contains($0) }
      next += 1
    }
    devices = all
    self.key = key
    self.connector = connector
  }

  /// The first use that is found, in words; nil if there is none.
  func find() throws -> String? {
    if let use = try findMount() ?? findHolder() ?? findSwap() { return use }
    var use: String?
    Waiting.until(patience: Self.patience) {
      use = findProcess()
      return use == nil
    }
    return use ?? findClaim()
  }

  private func findMount() throws -> String? {
    let mounts = try MountTable.current()
    for device in devices {
      guard let number = device.number, let mount = mounts.mount(of: number) else { continue }
      return "\(device.path) is mounted at \(mount.mountPoint)"
    }
    return nil
  }

  private func findHolder() -> String? {
    for device in devices {
      let others = device.holders.filter { !$0.isLogicalVolume(ofGroupsWith: key) }
      if let holder = others.first { return "\(device.path) is used by \(holder.path)" }
    }
    return nil
  }

  private func findSwap() -> String? {
    let used = ((try? SystemFile("/proc/swaps").lines()) ?? []).compactMap { line in
      line.split(whereSeparator: \.isWhitespace).first.map { BlockDeviceEntry(path: String($0)) }
    }
    return devices.first(where: used.contains).map { "\($0.path) is used as swap space" }
  }

  /// A process that has the device itself open.
  private func findProcess() -> String? {
    for process in RunningProcess.all() where process.id != connector ?? 0 {
      for path in process.openPaths() where path.hasPrefix("/dev/") {
        if let device = devices.first(where: { $0.path == path || "/dev/\($0.name)" == path }) {
          return "\(device.path) is held open by \(process.description)"
        }
      }
    }
    return nil
  }

  /// Finds a file system that is no longer mounted, or is mounted only in another mount namespace.
  /// It still claims the device, so the device cannot be opened exclusively.
  private func findClaim() -> String? {
    // If a partition is claimed, the whole device counts as claimed.
    guard let claimed = devices.last(where: { $0.holders.isEmpty && isClaimed($0) }) else {
      return nil
    }
    for process in RunningProcess.all() {
      let mounts = try? MountTable.of(process: process.id)
      for device in devices {
        guard let number = device.number else { continue }
        if let mount = mounts?.mount(of: number) {
          return "\(device.path) is mounted at \(mount.mountPoint) for \(process)"
        }
        if process.usesFileSystem(on: number) {
          return "\(device.path) has been unmounted, but \(process) still uses its files"
        }
      }
    }
    return
      "\(claimed.path) is still used by the kernel, for example by a file system that is being "
      + "unmounted"
  }

  private func isClaimed(_ device: BlockDeviceEntry) -> Bool {
    do throws(Errno) {
      _ = try Descriptor(opening: FilePath("/dev/\(device.name)"), flags: O_RDONLY | O_EXCL)
      return false
    } catch {
      return error == .resourceBusy
    }
  }
}
