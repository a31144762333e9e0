import ArgumentParser
import ChunkStore

struct Attach: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a revision a block device, with the kernel's NBD driver.",
    usage: "varve attach <revision> <device> [--writable] [<options>]",
    discussion: """
      A server of its own serves the volume until the device is detached, also when varve has gone. \
      Partitions appear as /dev/nbd0p1 and so on. It needs root, nbd-client, and a kernel with the \
      driver nbd; varve mount works without the latter two.

        varve attach web01@latest /dev/nbd0
        vgchange -ay
        varve detach /dev/nbd0

      With --writable everything can be written to; the revision does not change, and what was \
      written is gone when the device is detached.
      """)

  @Argument(
    help: "The revision, such as web01@latest; with /VOLUME where it has several.",
    transform: NameArgument.revision)
  var revision: RevisionReference

  @Argument(
    help: "The device, such as /dev/nbd0.", completion: .file(),
    transform: NameArgument.kernelDevice)
  var device: KernelDevice

  @Flag(help: "Let the device be written to; what is written is thrown away by detach.")
  var writable = false

  @Option(
    help: ArgumentHelp("How many connections the kernel opens, 1 to 16.", valueName: "number"))
  var connections = 1

  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    guard 1...16 ~= connections else {
      throw ValidationError("--connections wants 1 to 16, found \(connections).")
    }
  }

  mutating func run() throws {
    try Privilege.require(for: "attaching a device")
    try KernelDevice.prepare()
    let selected = try SelectedVolume(revision, in: repository)
    var record = selected.record(isWritable: writable)
    record.device = device.path
    let local = try LocalVolumes().begin(record) { $0.conflict(withDevice: device) }
    try local.undoingOnFailure {
      try device.requireFree()
      try PrivateServer(volume: selected, local: local).start()
      try local.connect(device, connections: connections)
    }
    Console.shared.message("attached \(selected.name) to \(device.path)")
  }
}
