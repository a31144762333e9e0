import Glibc
package import SystemPackage

/// A block device backed by a file, detached when the value goes.
package final class LoopDevice: Sendable {
  package let path: FilePath

  /// Whether this machine lets a test have one: root, and loop devices.
  package static var isAvailable: Bool {
    geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0
  }

  /// - Parameter options: of losetup(8), such as `--read-only`, `--partscan`.
  package init(_ file: FilePath, options: [String] = []) throws {
    path = FilePath(
      try Command.run(["losetup", "--find", "--show"] + options + [file.string]))
  }

  /// One that passes on what is discarded. The kernel keeps a limit that somebody gave to a device, also
  /// of 0, when another file is attached to it.
  package static func discarding(_ file: FilePath) throws -> LoopDevice {
    var others: [LoopDevice] = []
    while others.count < 16 {
      let device = try LoopDevice(file)
      let limit = "/sys/block/\(device.path.lastComponent?.string ?? "")/queue/discard_max_bytes"
      if try Command.run("cat", limit) != "0" { return device }
      others.append(device)
    }
    throw Errno.notSupported
  }

  deinit {
    _ = try? Command.run("losetup", "--detach", path.string)
  }
}

/// A file system mounted for a test, unmounted when the value goes.
package final class Mount: Sendable {
  package let path: FilePath

  /// - Parameter isReadOnly: so that nothing changes on the device meanwhile.
  package init(_ device: FilePath, at path: FilePath, isReadOnly: Bool = false) throws {
    self.path = path
    try Command.run("mount", "-o", isReadOnly ? "ro" : "rw", device.string, path.string)
  }

  deinit {
    _ = try? Command.run("umount", path.string)
  }
}
