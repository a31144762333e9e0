import SystemPackage

/// The number of a block device, with its properties in sysfs (`/sys/dev/block/MAJOR:MINOR`).
package struct DeviceNumber: Hashable, CustomStringConvertible {
  let major: UInt64
  let minor: UInt64

  init(major: UInt64, minor: UInt64) {
    self.major = major
    self.minor = minor
  }

  /// Reads the number from `st_rdev`, in the encoding of glibc's makedev(3).
  package init(packed: UInt64) {
    major = (packed >> 8) & 0xfff | (packed >> 32) & ~0xfff
    minor = packed & 0xff | (packed >> 12) & 0xffff_ff00
  }

  /// The number in the encoding of glibc's makedev(3).
  package var packed: UInt64 {
    minor & 0xff | (major & 0xfff) << 8 | (minor & ~0xff) << 12 | (major & ~0xfff) << 32
  }

  /// Reads the number from text such as `8:1`, the form in procfs and sysfs.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt64(parts[0]), let minor = UInt64(parts[1]) else {
      return nil
    }
    self.init(major: major, minor: minor)
  }

  package var description: String { "\(major):\(minor)" }

  /// The path, such as `/dev/sda1`; `device 8:1` if sysfs does not know the device.
  package var devicePath: String {
    let lines = (try? SystemFile(directory.appending("uevent")).lines()) ?? []
    let name = lines.first { $0.hasPrefix("DEVNAME=") }?.dropFirst("DEVNAME=".utf8.count)
    return name.map { "/dev/\($0)" } ?? "device \(self)"
  }

  /// The partitions of a whole device.
  package func partitions() -> [DeviceNumber] {
    // Every device has a file `dev` in its directory; a partition also has a file `partition`.
    names(in: directory).compactMap { name in
      let child = directory.appending(name)
      guard (try? SystemFile(child.appending("partition")).lines()) != nil,
        let number = try? SystemFile(child.appending("dev")).lines().first
      else { return nil }
      return DeviceNumber(number)
    }
  }

  /// The paths of the devices built on this one (device mapper, RAID), such as `/dev/dm-3`.
  package func holders() -> [String] {
    names(in: directory.appending("holders")).map { "/dev/\($0)" }
  }

  private var directory: FilePath { FilePath("/sys/dev/block").appending(description) }

  private func names(in directory: FilePath) -> [String] {
    ((try? POSIXFileSystem().list(directory)) ?? []).map(\.name)
  }
}
