import Administration
import ChildProcesses
import ChunkStore
import FileIO
import Glibc
import LocalDevices
import VolumeSources

/// The file system of a volume as a directory.
struct RevisionMount {
  private let volume: SelectedVolume
  private let directory: String
  private let inventory: DiskInventory
  private let target: DiskInventory.Target
  private let isReadOnly: Bool
  private let options: String?

  /// Looks for the file system, and changes nothing.
  ///
  /// - Throws: ``Failure`` where there is no directory, `LocalDeviceError` where there is nothing clear to
  ///   mount.
  init(
    _ volume: SelectedVolume, at directory: String, partition: Int?, logicalVolume: String?,
    isReadOnly: Bool, options: String?
  ) throws {
    self.volume = volume
    self.directory = AbsolutePath.of(directory)
    self.isReadOnly = isReadOnly
    self.options = options
    var status = stat()
    guard self.directory.withUnescapedCString({ stat($0, &status) }) == 0,
      status.st_mode & S_IFMT == S_IFDIR
    else {
      throw Failure(.invalidRequest, "\(directory) is not a directory; create it first")
    }
    inventory = try volume.withContent { content in
      try DiskInventory(of: content, name: volume.name)
    }
    target = try inventory.target(partition: partition, logicalVolume: logicalVolume)
  }

  /// What is mounted where and how.
  func summary(of local: LocalVolume) -> String {
    let record = local.record
    let part =
      record.partition.map { ", partition \($0)" } ?? record.logicalVolume.map { ", \($0)" } ?? ""
    let type = record.type.map { ", \($0)" } ?? ""
    return "\(volume.name)\(part)\(type), \(isReadOnly ? "read-only" : "read-write"), at "
      + directory
  }

  /// - Throws: what went wrong; then everything is as it was before.
  func perform() throws -> LocalVolume {
    let maker = try BlockDeviceMaker.forThisMachine()
    let local = try LocalVolumes().begin(record) { $0.conflict(withDirectory: directory) }
    try local.undoingOnFailure {
      // Also for a partition beside them: this machine's LVM looks at the whole disk.
      let groups = VolumeGroupIdentity(key: local.key)
      let changes = try volume.changes(to: groups, of: inventory.physicalVolumes)
      try local.note { $0.groupKey = groups.key }
      try PrivateServer(volume: volume, local: local, changes: changes).start()
      switch target {
      case .item(let item):
        try maker.withDevices(of: [item], local, sectorBytes: inventory.sectorBytes) { paths in
          try mount(paths[0], item.content, local)
        }
      case .logicalVolume(let name):
        try maker.withDevices(
          of: inventory.physicalVolumes, local, sectorBytes: inventory.sectorBytes
        ) { paths in try mount(logicalVolume: name, on: paths, local) }
      }
    }
    return local
  }

  private func mount(logicalVolume name: String?, on paths: [String], _ local: LocalVolume) throws {
    let all = LogicalVolumes(of: local)
    let (volumes, failure) = try all.activate(on: paths, isReadOnly: false)
    if let failure, volumes.isEmpty { throw failure }
    if let failure { Console.shared.warning("not all logical volumes are there: \(failure)") }
    let (chosen, content) = try all.choose(name, among: volumes)
    let nameOnDisk = all.nameOnDisk(chosen)
    if let content, content.isContainer {
      throw Failure(.invalidRequest, "\(nameOnDisk) is no file system but \(content.explanation)")
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
      throw Failure(.failed, "\(error); the kernel says: \(lines.joined(separator: "; "))")
    }
  }

  private var record: LocalVolumeRecord {
    // Also for reading: the kernel replays the journal, and writes when it does.
    var record = volume.record(isWritable: true)
    record.directory = directory
    if case .item(let item) = target { record.partition = item.number }
    record.isMountedForWriting = !isReadOnly
    return record
  }

  private func mountWords(_ device: String, _ content: VolumeContent?) -> [String] {
    var all = [isReadOnly ? "ro" : "rw", "noexec", "nosuid", "nodev"]
    // The same file system is often mounted already: the running one, or another revision of it.
    if content == .xfs { all.append("nouuid") }
    if let options { all.append(options) }
    let type = content?.mountType.map { ["--types", $0] } ?? []
    return ["mount"] + type + ["--options", all.joined(separator: ","), device, directory]
  }
}
