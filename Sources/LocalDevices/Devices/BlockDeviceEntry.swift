import FileIO
import Glibc
import SystemPackage

/// A block device or partition, with its name in `/sys/class/block`: `nbd0p1`, `dm-3`.
package struct BlockDeviceEntry: Hashable {
  let name: String

  init(name: String) { self.name = name }

  /// The device to which a path leads. Follows links.
  package init(path: String) {
    name = AbsolutePath.of(path).split(separator: "/").last.map(String.init) ?? path
  }

  var number: DeviceNumber? { firstLine(of: "dev").flatMap { DeviceNumber($0) } }

  /// The path for people: `/dev/mapper/vg0-root` for a device of the device mapper.
  var path: String { mapperName.map { "/dev/mapper/\($0)" } ?? "/dev/\(name)" }

  package var mapperName: String? { firstLine(of: "dm/name") }

  /// The devices that are built on this one.
  package var holders: [BlockDeviceEntry] {
    names(in: directory.appending("holders")).map(BlockDeviceEntry.init(name:))
  }

  var partitions: [BlockDeviceEntry] {
    names(in: directory).filter { $0.hasPrefix(name) }.map(BlockDeviceEntry.init(name:))
  }

  /// Whether the device is a logical volume of an attached disk. `key` is in the names of the
  /// disk's volume groups.
  package func isLogicalVolume(ofGroupsWith key: String?) -> Bool {
    guard let key, let uuid = firstLine(of: "dm/uuid"), let mapperName else { return false }
    // LVM's device names double the hyphens of a group's name, and add one hyphen after it.
    return uuid.hasPrefix("LVM-")
      && mapperName.contains(".\(key.replacing("-", with: "--"))-")
  }

  private var directory: FilePath { FilePath("/sys/class/block").appending(name) }

  private func firstLine(of attribute: String) -> String? {
    (try? SystemFile(directory.appending(attribute)).lines().first).map(String.init)
  }

  private func names(in directory: FilePath) -> [String] {
    ((try? POSIXFileSystem().list(directory)) ?? []).map(\.name)
  }
}

/// Paths in the form in which the kernel lists them.
package enum AbsolutePath {
  /// The absolute path without symbolic links. If a part of it cannot be examined, links stay.
  package static func of(_ path: String) -> String {
    if let resolved = FilePath(escaped: path).resolved { return resolved.escaped }
    if path.hasPrefix("/") { return path }
    guard let directory = getcwd(nil, 0) else { return path }
    defer { free(directory) }
    return "\(String(escapingCString: directory))/\(path)"
  }
}
