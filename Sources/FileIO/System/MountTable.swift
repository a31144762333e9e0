import SystemPackage

/// The mounts and their mount points, from `/proc/self/mountinfo`; proc_pid_mountinfo(5).
///
///     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
///     (1)(2)(3)   (4)   (5)      (6)      (7)   (8) (9)   (10)         (11)
package struct MountTable {
  package struct Mount: Hashable {
    /// (3). A file system over several devices (btrfs) has its own number here.
    package let device: DeviceNumber
    /// (5)
    package let mountPoint: String
    /// (10). The path of a device, or any other word.
    package let source: String
  }

  /// The mounts, in the order in which they were made.
  package let mounts: [Mount]

  /// The current table of this process's mount namespace.
  package static func current() throws(FileError) -> MountTable {
    MountTable(lines: try SystemFile("/proc/self/mountinfo").lines())
  }

  /// The current table of another process's mount namespace.
  package static func of(process: Int32) throws(FileError) -> MountTable {
    MountTable(lines: try SystemFile(FilePath("/proc/\(process)/mountinfo")).lines())
  }

  init(lines: [Substring]) {
    mounts = lines.compactMap(Mount.init(line:))
  }

  /// The first mount of a device, by its number or by its path.
  package func mount(of device: DeviceNumber) -> Mount? {
    mounts.first { $0.device == device || $0.sourceDevice == device }
  }
}

extension MountTable.Mount {
  /// Reads a line; nil if it does not have the documented form.
  init?(line: Substring) {
    let fields = line.split(separator: " ")
    guard fields.count >= 6, let device = DeviceNumber(fields[2]),
      let separator = fields[6...].firstIndex(of: "-"), separator + 2 < fields.endIndex
    else { return nil }
    self.device = device
    mountPoint = Self.unescaped(fields[4])
    source = Self.unescaped(fields[separator + 2])
  }

  /// The number of the block device that the source names.
  fileprivate var sourceDevice: DeviceNumber? {
    guard source.hasPrefix("/"), let node = try? Descriptor(lookingAt: FilePath(escaped: source)),
      (try? node.metadata().kind) == .blockDevice, let packed = try? node.representedDevice()
    else { return nil }
    return DeviceNumber(packed: packed)
  }

  /// Replaces escapes. The kernel writes space, tab, newline and backslash as `\040` and so on.
  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = String(field).unescapedBytes[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(escaping: bytes)
  }
}
