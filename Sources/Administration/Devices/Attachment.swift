import Glibc
package import LocalDevices
import Workers

/// Makes a volume a block device of the kernel.
package struct AttachmentRequest: Sendable {
  package let device: KernelDevice
  /// Whether the device can be written to. What is written is lost when it is detached.
  package var isWritable = false
  /// Whether LVM's names and identifiers stay as they are on the disk, and its logical volumes inactive.
  package var isExact = false
  /// How many connections the kernel opens to the server.
  package var connections = 1

  package init(device: KernelDevice) { self.device = device }

  /// - Parameters:
  ///   - volume: the volume to attach.
  ///   - environment: where records are, and how a server is started.
  ///   - isAttached: called when the device is attached, before logical volumes are activated.
  /// - Throws: ``Refusal``, `LocalDeviceError`, `ChildProcessError`, `StoreError`, or a
  ///   ``NoticedFailure`` with one of these. Then nothing is attached, unless a notice says what is left.
  package func run(
    on volume: SelectedVolume, in environment: DeviceEnvironment,
    reporting isAttached: () -> Void = {}
  ) throws -> AttachedDevice {
    let context = environment.context
    let inventory = try volume.withContent(context) {
      try DiskInventory(of: $0, name: volume.name)
    }
    let groups = VolumeGroupIdentity(key: "nbd\(device.number)")
    let changes =
      isExact ? [] : try volume.changes(to: groups, of: inventory.physicalVolumes, context)
    var record = volume.record(isWritable: isWritable, created: context.now())
    record.device = device.path
    if !changes.isEmpty { record.groupKey = groups.key }
    let local = try environment.volumes.begin(record) { $0.conflict(withDevice: device.path) }
    try local.undoingOnFailure(context.cancellation) {
      try device.requireFree()
      try environment.serve(volume, as: local, changes)
      try local.connect(device, connections: connections, sectorBytes: inventory.sectorBytes)
    }
    isAttached()
    var attached = AttachedDevice(
      device: device.path, volume: volume.reference, repository: record.repository,
      isReadOnly: !isWritable)
    if !changes.isEmpty { activate(inventory.physicalVolumes, local, &attached) }
    return attached
  }

  /// The disk is attached, whatever comes of this.
  private func activate(
    _ physicalVolumes: [DiskInventory.Item], _ local: LocalVolume, _ attached: inout AttachedDevice
  ) {
    do {
      try BlockDeviceMaker.withDevices(of: physicalVolumes, on: device, device.path) { paths in
        let all = LogicalVolumes(of: local)
        let (volumes, failure) = try all.activate(on: paths, isReadOnly: !isWritable)
        if let failure { attached.notices.append(.incompleteLogicalVolumes(failure)) }
        for volume in volumes {
          attached.logicalVolumes.append(all.described(volume, try all.content(of: volume)))
        }
      }
    } catch {
      attached.notices.append(.inactiveLogicalVolumes(error))
    }
  }
}
