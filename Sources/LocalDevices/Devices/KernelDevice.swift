import ChildProcesses
import FileIO
import Glibc
import SystemPackage

/// A network block device of the kernel: `/dev/nbd3`.
package struct KernelDevice: Equatable, Sendable {
  private static let limit = 4096
  private static let patience = Duration.seconds(10)
  /// Requests that wait for a dead server must fail first.
  private static let disconnectionPatience = Duration.seconds(30)

  package let number: Int

  package init(number: Int) { self.number = number }

  /// Reads `/dev/nbdN`; nil for anything else.
  package init?(path: String) {
    guard path.hasPrefix("/dev/nbd"), let number = Int(path.dropFirst("/dev/nbd".count)),
      0..<Self.limit ~= number, path == "/dev/nbd\(number)"
    else { return nil }
    self.number = number
  }

  package var path: String { "/dev/nbd\(number)" }

  /// The process that connected the device; nil if it is not connected.
  package var clientID: Int? { firstLine(of: "pid").flatMap { Int($0) } }

  private var isPresent: Bool { firstLine(of: "size") != nil }

  // MARK: The driver

  /// Makes sure that the kernel has the driver, and that its program, nbd-client, is installed.
  ///
  /// - Throws: ``LocalDeviceError`` that names the missing part.
  package static func prepare() throws(LocalDeviceError) {
    guard Tool.isInstalled("nbd-client") else {
      throw LocalDeviceError(
        "nbd-client is not installed; install it, for example with 'apt install nbd-client'")
    }
    if KernelDevice(number: 0).isPresent { return }
    do {
      try Tool("modprobe", "nbd").run()
    } catch {
      throw LocalDeviceError("the kernel has no network block devices: \(error.description)")
    }
    guard Waiting.until(patience: patience, { KernelDevice(number: 0).isPresent }) else {
      throw LocalDeviceError(
        "the kernel has no network block devices, although 'modprobe nbd' succeeded")
    }
  }

  /// The devices that are not connected now, by number.
  package static func free() -> [KernelDevice] {
    var found: [KernelDevice] = []
    for number in 0..<limit {
      let device = KernelDevice(number: number)
      guard device.isPresent else { break }
      if device.clientID == nil { found.append(device) }
    }
    return found
  }

  /// Checks that the device exists and is not connected.
  ///
  /// - Throws: ``LocalDeviceError`` if it does not exist, or is already connected.
  package func requireFree() throws(LocalDeviceError) {
    guard isPresent else {
      throw LocalDeviceError(
        "there is no \(path); to get that many devices, run 'modprobe -r nbd' and "
          + "'modprobe nbd nbds_max=\(number + 1)'")
    }
    if let clientID {
      throw LocalDeviceError(
        "\(path) is in use: process \(clientID) has connected it; disconnect it with "
          + "'nbd-client -d \(path)'")
    }
  }

  // MARK: Connecting

  /// Connects the device with the default export of the server on a Unix socket.
  ///
  /// - Parameter sectorBytes: 512 or 4096. The kernel interprets a partition table in sectors of
  ///   this size.
  package func connect(
    toSocket socket: String, connections: Int, sectorBytes: UInt64, isReadOnly: Bool
  ) throws {
    try Tool(
      ["nbd-client", "-unix", socket, path, "-connections", "\(connections)"]
        + (sectorBytes > 512 ? ["-block-size", "\(sectorBytes)"] : [])
        + (isReadOnly ? ["-readonly"] : [])
    ).run()
    guard Waiting.until(patience: Self.patience, { clientID != nil }) else {
      throw LocalDeviceError("nbd-client succeeded, but \(path) is not connected")
    }
    // The kernel reads the partition table when the device is opened for the first time.
    _ = try? Descriptor(opening: FilePath(path), flags: O_RDONLY)
  }

  /// Disconnects the device, and waits until it is disconnected.
  package func disconnect() throws {
    try Tool("nbd-client", "-d", path).run()
    guard Waiting.until(patience: Self.disconnectionPatience, { clientID == nil }) else {
      throw LocalDeviceError("nbd-client -d succeeded, but \(path) is still connected")
    }
  }

  /// A use of the device, or of a partition or logical volume of it, in words; nil if there is
  /// none.
  ///
  /// - Parameter key: the key of the volume groups on the device.
  package func use(groupKey key: String?) throws -> String? {
    try DeviceUse(
      of: BlockDeviceEntry(name: "nbd\(number)"), groupKey: key, connector: clientID
    ).find()
  }

  /// The block device of a partition; nil if the kernel has not found the same partition.
  package func partition(_ number: Int, at bytes: Range<UInt64>) -> String? {
    let sector: UInt64 = 512
    let name = "nbd\(self.number)p\(number)"
    guard firstLine(of: "\(name)/start") == "\(bytes.lowerBound / sector)",
      firstLine(of: "\(name)/size") == "\(UInt64(bytes.count) / sector)",
      Waiting.until(patience: .seconds(1), { access("/dev/\(name)", F_OK) == 0 })
    else { return nil }
    return "/dev/\(name)"
  }

  private func firstLine(of attribute: String) -> String? {
    let path = FilePath("/sys/block/nbd\(number)").appending(attribute)
    return (try? SystemFile(path).lines().first).map(String.init)
  }
}
