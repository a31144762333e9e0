import SystemPackage

/// The number of a block device, and what sysfs says of it under `/sys/dev/block/MAJOR:MINOR`.
package struct DeviceNumber: Hashable, CustomStringConvertible {
  let major: UInt64
  let minor: UInt64

  init(major: UInt64, minor: UInt64) {
    self.major = major
    self.minor = minor
  }

  /// From `st_rdev`, packed as glibc's makedev(3) does it.
  package init(packed: UInt64) {
    major = (packed >> 8) & 0xfff | (packed >> 32) & ~0xfff
    minor = packed & 0xff | (packed >> 12) & 0xffff_ff00
  }

  /// As glibc's makedev(3) packs it.
  package var packed: UInt64 {
    minor & 0xff | (major & 0xfff) << 8 | (minor & ~0xff) << 12 | (major & ~0xfff) << 32
  }

  /// From `8:1`, as procfs and sysfs write it.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt64(parts[0]), let minor = UInt64(parts[1]) else {
      return nil
    }
    self.init(major: major, minor: minor)
  }

  package var description: String { "\(major):\(minor)" }

  /// `/dev/sda1`; the bare number where sysfs does not know it.
  package var devicePath: String {
    let lines = (try? SystemFile(directory.appending("uevent")).lines()) ?? []
    let name = lines.first { $0.hasPrefix("DEVNAME=") }?.dropFirst("DEVNAME=".utf8.count)
    return name.map { "/dev/\($0)" } ?? "device \(self)"
  }

  /// The partitions of a whole device.
  package func partitions() -> [DeviceNumber] {
    // A partition is a directory with a file `partition` beside the `dev` every device has.
    names(in: directory).compactMap { name in
      let child = directory.appending(name)
      guard (try? SystemFile(child.appending("partition")).lines()) != nil,
        let number = try? SystemFile(child.appending("dev")).lines().first
      else { return nil }
      return DeviceNumber(number)
    }
  }

  /// The devices built on this one (device mapper, RAID), as `/dev/dm-3`.
  package func holders() -> [String] {
    names(in: directory.appending("holders")).map { "/dev/\($0)" }
  }

  private var directory: FilePath { FilePath("/sys/dev/block").appending(description) }

  private func names(in directory: FilePath) -> [String] {
    ((try? POSIXFileSystem().list(directory)) ?? []).map(\.name)
  }
}
