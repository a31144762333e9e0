import ArgumentParser
import JSONText
import LocalDevices

struct Detach: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Disconnect a device that varve attach has connected.",
    usage: "varve detach <device>",
    discussion: """
      Also ends the device's server, and discards what was written to the device. It refuses to \
      detach a device that is mounted or used by another device, such as a logical volume. It \
      also cleans up after a server has died or the machine has been rebooted.

        varve detach /dev/nbd0
      """)

  @Argument(
    help: "The device, such as /dev/nbd0.", completion: .file(),
    transform: NameArgument.kernelDevice)
  var device: KernelDevice

  @OptionGroup var json: JSONOption

  mutating func run() throws {
    try Privilege.require(for: "detaching a device")
    let volumes = LocalVolumes()
    guard let local = try volumes.all().last(where: { $0.record.device == device.path }) else {
      let remark =
        device.clientID == nil
        ? "" : "; who has connected it disconnects it with 'nbd-client -d \(device.path)'"
      throw Failure(.notFound, "varve has attached nothing to \(device.path)\(remark)")
    }
    if let directory = local.record.directory {
      throw Failure("\(device.path) is mounted at \(directory); use 'varve umount \(directory)'")
    }
    if let use = try local.use(of: device) {
      throw Failure("\(use); end that first, then detach")
    }
    try local.takeDown(lazily: false)
    guard json.isWanted else { return }
    try StandardOutput().document(
      .object([
        "device": .string(device.path), "volume": .string(local.record.volume),
        "repository": .string(local.record.repository),
      ]))
  }
}
