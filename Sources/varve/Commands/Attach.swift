import Administration
import ArgumentParser
import ChunkStore
import LocalDevices

struct Attach: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Attach a revision as a block device, with the kernel's NBD driver.",
    usage: "varve attach <revision> <device> [--writable] [<options>]",
    discussion: """
      A separate server serves the volume until the device is detached, even after 'varve \
      attach' has ended. Partitions appear as /dev/nbd0p1 and so on. The command needs root, \
      nbd-client, and a kernel with the nbd driver; 'varve mount' works without nbd-client and \
      the driver.

        varve attach web01@latest /dev/nbd0
        mount -r /dev/nbd0p1 /mnt
        umount /mnt
        varve detach /dev/nbd0

      LVM logical volumes on the disk become block devices, too. While the disk is attached, \
      their volume groups have different names and UUIDs, so that this machine's LVM does not \
      confuse them with its own: vg0 is called vg0.nbd0. 'varve detach' deactivates them.

      The kernel uses whole sectors of 512 bytes. A volume that ends within a sector is padded with \
      zeros up to the end of that sector; only zeros can be written there.

      With --writable the device can be written to. The revision does not change; what was written \
      is discarded when the device is detached.
      """)

  @Argument(
    help: "The revision, such as web01@latest; with /VOLUME if it has several.",
    transform: NameArgument.revision)
  var revision: RevisionReference

  @Argument(
    help: "The device, such as /dev/nbd0.", completion: .file(),
    transform: NameArgument.kernelDevice)
  var device: KernelDevice

  @Flag(help: "Allow writes to the device; detach discards them.")
  var writable = false

  @Flag(
    help: ArgumentHelp(
      "Keep LVM's names and UUIDs as on the disk, and activate nothing.",
      discussion: """
        The device then has exactly the bytes of the revision. If this machine has a volume \
        group with the same name or UUID, its LVM refuses to change that group while the device \
        is attached, or uses the wrong disk.
        """))
  var exact = false

  @Option(
    help: ArgumentHelp("How many connections the kernel opens, 1 to 16.", valueName: "number"))
  var connections = 1

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    guard 1...16 ~= connections else {
      throw ValidationError("--connections must be 1 to 16, found \(connections).")
    }
  }

  mutating func run() throws {
    try Privilege.require(for: "attaching a device")
    try KernelDevice.prepare()
    let selected = try SelectedVolume(revision, in: repository)
    var request = AttachmentRequest(device: device)
    request.isWritable = writable
    request.isExact = exact
    request.connections = connections
    let attached = try request.run(on: selected, in: .ofProgram()) {
      Console.shared.message("attached \(selected.name) to \(device.path)")
    }
    attached.notices.warn()
    for volume in attached.logicalVolumes {
      let type = volume.type.map { ", \($0)" } ?? ""
      Console.shared.message(
        "\(volume.name) is \(volume.path), \(Quantities.bytes(volume.sizeBytes))\(type)")
    }
    if json.isWanted { try StandardOutput().document(attached.json) }
  }
}
