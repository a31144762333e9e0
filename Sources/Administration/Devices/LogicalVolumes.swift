import ChildProcesses
import LocalDevices

/// The logical volumes of an attached or mounted disk.
struct LogicalVolumes {
  typealias LogicalVolume = LogicalVolumeTools.LogicalVolume

  private let local: LocalVolume

  init(of local: LocalVolume) { self.local = local }

  private var tools: LogicalVolumeTools {
    LogicalVolumeTools(devices: local.record.physicalVolumes)
  }

  /// Makes block devices of them.
  ///
  /// - Parameter devices: the physical volumes.
  /// - Returns: those that are active, and why others are not.
  /// - Throws: `LocalDeviceError` if this machine has no LVM.
  func activate(on devices: [String], isReadOnly: Bool) throws -> (
    [LogicalVolume], ChildProcessError?
  ) {
    guard LogicalVolumeTools.areInstalled else {
      throw LocalDeviceError(
        "LVM is not installed, but the disk has logical volumes", remedy: .install("lvm2"))
    }
    try local.note { $0.physicalVolumes = devices }
    var failure: ChildProcessError?
    do throws(ChildProcessError) {
      try tools.activate(isReadOnly: isReadOnly)
    } catch {
      failure = error
    }
    return (try tools.active(), failure)
  }

  /// As it is called on the disk: `vg0/root`.
  func nameOnDisk(_ volume: LogicalVolume) -> String {
    let suffix = ".\(local.record.groupKey ?? "")"
    let group =
      volume.group.hasSuffix(suffix) ? String(volume.group.dropLast(suffix.count)) : volume.group
    return "\(group)/\(volume.name)"
  }

  /// The logical volume with this name, `VG/LV` or `LV`; without a name the only one with a file system.
  ///
  /// - Throws: ``Refusal/OfDevice/noSuchLogicalVolume(_:isAmbiguous:disk:present:)`` or
  ///   ``Refusal/OfDevice/noSingleFileSystem(hasSeveral:disk:present:)``.
  func choose(_ name: String?, among volumes: [LogicalVolume]) throws -> (
    LogicalVolume, VolumeContent?
  ) {
    let all = try volumes.map { ($0, try content(of: $0)) }
    let disk = SelectedVolume.shortened(local.record.volume)
    let present = all.map { described($0, $1) }
    if let name {
      let found = all.filter { nameOnDisk($0.0) == name || $0.0.name == name }
      guard found.count == 1 else {
        throw Refusal.device(
          .noSuchLogicalVolume(
            name, isAmbiguous: !found.isEmpty, disk: disk, present: present))
      }
      return found[0]
    }
    let fileSystems = all.filter { $0.1.map { !$0.isContainer } ?? false }
    guard fileSystems.count == 1 else {
      throw Refusal.device(
        .noSingleFileSystem(hasSeveral: !fileSystems.isEmpty, disk: disk, present: present))
    }
    return fileSystems[0]
  }

  /// With its content, as an outcome tells it.
  func described(
    _ volume: LogicalVolume, _ content: VolumeContent?
  ) -> AttachedDevice.LogicalVolume {
    AttachedDevice.LogicalVolume(
      name: nameOnDisk(volume), path: volume.path, sizeBytes: volume.sizeBytes,
      type: content?.rawValue)
  }

  func content(of volume: LogicalVolume) throws -> VolumeContent? {
    try FileSystemProbe.content(of: DiskContent(ofDevice: volume.mapperPath, volume.sizeBytes))
  }

  // MARK: Undoing

  /// Takes their block devices away. What LVM cannot do, since the server of the disk is gone, is done
  /// below it.
  ///
  /// - Parameter lazily: whether those that are in use go when nobody uses them any more.
  func deactivate(lazily: Bool) throws {
    let devices = local.record.physicalVolumes
    guard !devices.isEmpty else { return }
    if local.isServed { try? tools.deactivate() }
    for device in devices { try remove(above: BlockDeviceEntry(path: device), lazily: lazily) }
  }

  private func remove(above device: BlockDeviceEntry, lazily: Bool) throws {
    for volume in device.holders.filter({ $0.isLogicalVolume(ofGroupsWith: local.record.groupKey) })
    {
      try remove(above: volume, lazily: lazily)
      guard let name = volume.mapperName else { continue }
      do {
        try Tool("dmsetup", "remove", "--retry", name).run()
      } catch {
        guard lazily else { throw error }
        try Tool("dmsetup", "remove", "--deferred", name).run()
      }
    }
  }
}
