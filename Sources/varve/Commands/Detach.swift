import Administration
import ArgumentParser
import LocalDevices

struct Detach: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Disconnect a device attached by varve attach.",
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
    let detached = try DetachmentRequest(device: device).run(in: DeviceEnvironment.records)
    detached.notices.warn()
    if json.isWanted { try StandardOutput().document(detached.json) }
  }
}
