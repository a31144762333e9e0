import CalendarTime
import ChildProcesses
import FileIO
import Glibc
import LocalDevices
import Workers

/// Makes the file system of a volume a directory.
package struct MountRequest: Sendable {
  package let directory: String
  /// Counted from 1. Nil to take the only file system.
  package var partition: Int?
  /// As on the disk: `VG/LV`, or `LV` alone.
  package var logicalVolume: String?
  /// Whether files cannot be changed. Changes are lost when the directory is unmounted.
  package var isReadOnly = true
  /// More options of mount(8), added after `noexec,nosuid,nodev`.
  package var options: String?

  package init(directory: String) { self.directory = AbsolutePath.of(directory) }

  /// Looks for the file system before anything is changed, then mounts it.
  ///
  /// - Throws: ``Refusal``, `LocalDeviceError`, `ChildProcessError`, `StoreError`, or a
  ///   ``NoticedFailure`` with one of these. Then nothing is mounted, unless a notice says what is left.
  package func run(
    on volume: SelectedVolume, in environment: DeviceEnvironment
  ) throws -> MountOutcome {
    try requireDirectory()
    let inventory = try volume.withContent(environment.context) { content in
      try DiskInventory(of: content, name: volume.name)
    }
    let work = MountWork(
      volume: volume, request: self, inventory: inventory,
      target: try inventory.target(partition: partition, logicalVolume: logicalVolume))
    return try [Notice].collecting { notices in
      let local = try work.perform(in: environment, &notices)
      return MountOutcome(
        mounted: local.record.mounted(.mounted), volume: volume.name, notices: notices)
    }
  }

  private func requireDirectory() throws(Refusal) {
    var status = stat()
    guard directory.withUnescapedCString({ stat($0, &status) }) == 0,
      status.st_mode & S_IFMT == S_IFDIR
    else { throw .device(.notADirectory(directory)) }
  }
}

package struct MountOutcome: Sendable {
  package let mounted: MountedDirectory
  /// The volume, for people.
  package let volume: String
  package let notices: [Notice]
}

/// A mount whose file system was found.
private struct MountWork {
  let volume: SelectedVolume
  let request: MountRequest
  let inventory: DiskInventory
  let target: DiskInventory.Target

  /// - Throws: what ``MountRequest/run(on:in:)`` throws.
  func perform(
    in environment: DeviceEnvironment, _ notices: inout [Notice]
  ) throws -> LocalVolume {
    let maker = try BlockDeviceMaker.forThisMachine()
    let context = environment.context
    let local = try environment.volumes.begin(record(created: context.now())) {
      $0.conflict(withDirectory: request.directory)
    }
    try local.undoingOnFailure(context.cancellation) {
      // Also for a partition beside them: this machine's LVM looks at the whole disk.
      let groups = VolumeGroupIdentity(key: local.key)
      let changes = try volume.changes(to: groups, of: inventory.physicalVolumes, context)
      try local.note { $0.groupKey = groups.key }
      try environment.serve(volume, as: local, changes)
      switch target {
      case .item(let item):
        try maker.withDevices(
          of: [item], local, sectorBytes: inventory.sectorBytes, context.cancellation
        ) { paths in
          try mount(paths[0], item.content, local)
        }
      case .logicalVolume(let name):
        try maker.withDevices(
          of: inventory.physicalVolumes, local, sectorBytes: inventory.sectorBytes,
          context.cancellation
        ) { paths in try mount(logicalVolume: name, on: paths, local, &notices) }
      }
    }
    return local
  }

  private func mount(
    logicalVolume name: String?, on paths: [String], _ local: LocalVolume,
    _ notices: inout [Notice]
  ) throws {
    let all = LogicalVolumes(of: local)
    let (volumes, failure) = try all.activate(on: paths, isReadOnly: false)
    if let failure, volumes.isEmpty { throw failure }
    if let failure { notices.append(.incompleteLogicalVolumes(failure)) }
    let (chosen, content) = try all.choose(name, among: volumes)
    let nameOnDisk = all.nameOnDisk(chosen)
    if let content, content.isContainer {
      throw LocalDeviceError(
        "\(nameOnDisk) is not a file system but \(content.kind)", remedy: .open(content))
    }
    try local.note { $0.logicalVolume = nameOnDisk }
    try mount(chosen.mapperPath, content, local)
  }

  private func mount(_ path: String, _ content: VolumeContent?, _ local: LocalVolume) throws {
    try local.note { record in
      record.source = path
      record.type = content?.rawValue
    }
    let log = KernelLog()
    do throws(ChildProcessError) {
      try Tool(mountWords(path, content)).run()
    } catch {
      let lines = log.lines(about: path, type: content?.mountType)
      if lines.isEmpty { throw error }
      throw Refusal.device(.kernelRefused(error, lines))
    }
  }

  private func record(created: Timestamp) -> LocalVolumeRecord {
    // Also for reading: the kernel replays the journal, and writes when it does.
    var record = volume.record(isWritable: true, created: created)
    record.directory = request.directory
    if case .item(let item) = target { record.partition = item.number }
    record.isMountedForWriting = !request.isReadOnly
    return record
  }

  private func mountWords(_ device: String, _ content: VolumeContent?) -> [String] {
    var all = [request.isReadOnly ? "ro" : "rw", "noexec", "nosuid", "nodev"]
    // The same file system is often mounted already: the running one, or another revision of it.
    if content == .xfs { all.append("nouuid") }
    if let options = request.options { all.append(options) }
    let type = content?.mountType.map { ["--types", $0] } ?? []
    return ["mount"] + type + ["--options", all.joined(separator: ","), device, request.directory]
  }
}
