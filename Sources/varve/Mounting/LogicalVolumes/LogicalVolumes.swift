import Administration
import ChildProcesses
import Glibc
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
  /// - Throws: ``Failure`` where there is no LVM on this machine.
  func activate(on devices: [String], isReadOnly: Bool) throws -> (
    [LogicalVolume], ChildProcessError?
  ) {
    guard LogicalVolumeTools.areInstalled else {
      throw Failure(
        .notFound, "there is no LVM here for its logical volumes; 'apt install lvm2' installs it")
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

  /// The one of that name, `VG/LV` or `LV`; without a name the only one with a file system.
  ///
  /// - Throws: ``Failure`` where it is not there, or not clear, with what there is.
  func choose(_ name: String?, among volumes: [LogicalVolume]) throws -> (
    LogicalVolume, VolumeContent?
  ) {
    let all = try volumes.map { ($0, try content(of: $0)) }
    let disk = SelectedVolume.shortened(local.record.volume)
    let listing = listing(of: all)
    if let name {
      let found = all.filter { nameOnDisk($0.0) == name || $0.0.name == name }
      guard found.count == 1 else {
        throw Failure(
          .notFound,
          "\(disk) has \(found.isEmpty ? "no" : "more than one") logical volume \(name)" + listing)
      }
      return found[0]
    }
    let fileSystems = all.filter { $0.1.map { !$0.isContainer } ?? false }
    guard fileSystems.count == 1 else {
      throw Failure(
        .invalidRequest,
        (fileSystems.isEmpty
          ? "no logical volume of \(disk) has a file system that is known here"
          : "\(disk) has several logical volumes with file systems; choose with --logical-volume")
          + listing)
    }
    return fileSystems[0]
  }

  func content(of volume: LogicalVolume) throws -> VolumeContent? {
    try FileSystemProbe.content(of: DiskContent(ofDevice: volume.mapperPath, volume.sizeBytes))
  }

  private func listing(of volumes: [(LogicalVolume, VolumeContent?)]) -> String {
    if volumes.isEmpty { return "; none is there" }
    var table = Table([.text("NAME"), .right("SIZE"), .left("TYPE")])
    for (volume, content) in volumes {
      table.add([
        Cell(nameOnDisk(volume)), Cell(Quantities.bytes(volume.sizeBytes)),
        Cell(content?.rawValue ?? "unknown"),
      ])
    }
    return ":\n" + table.lines(colours: false).joined(separator: "\n")
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
