import Administration
import ArgumentParser
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
    let request = DetachmentRequest(device: device.path)
    let volumes = try LocalVolumes().all()
    let local = volumes[
      try request.index(
        among: volumes.map(\.record), isConnected: device.clientID != nil)]
    if let use = try local.use(of: device) {
      throw Failure(.inUse, "\(use); end that first, then detach")
    }
    try local.takeDown(lazily: false)
    guard json.isWanted else { return }
    try StandardOutput().document(request.outcome(local.record).json)
  }
}
