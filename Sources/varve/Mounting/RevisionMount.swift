import ChunkStore
import Glibc
import VolumeSources

/// The file system of a volume as a directory.
struct RevisionMount {
  private let volume: SelectedVolume
  private let directory: String
  private let item: DiskInventory.Item
  private let isReadOnly: Bool
  private let options: String?

  /// Looks for the file system, and changes nothing.
  ///
  /// - Throws: ``Failure`` where there is no directory, or nothing clear to mount.
  init(
    _ volume: SelectedVolume, at directory: String, partition: Int?, isReadOnly: Bool,
    options: String?
  ) throws {
    self.volume = volume
    self.directory = AbsolutePath.of(directory)
    self.isReadOnly = isReadOnly
    self.options = options
    var status = stat()
    guard stat(self.directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw Failure("\(directory) is no directory; make it first")
    }
    item = try volume.withContent { content in
      try DiskInventory(of: content, name: volume.name).item(partition)
    }
  }

  /// What is mounted where and how, once it is.
  var summary: String {
    let partition = item.number.map { ", partition \($0)" } ?? ""
    let type = item.content.map { ", \($0.rawValue)" } ?? ""
    return "\(volume.name)\(partition)\(type), \(isReadOnly ? "read-only" : "read-write"), at "
      + directory
  }

  /// - Throws: what went wrong; then everything is as it was before.
  func perform() throws -> LocalVolume {
    let device = try BlockDeviceMaker.forThisMachine()
    let local = try LocalVolumes().begin(record) { $0.conflict(withDirectory: directory) }
    try local.undoingOnFailure {
      try PrivateServer(volume: volume, local: local).start()
      try device.withDevice(of: item, local) { path in
        try local.note { $0.source = path }
        try Tool(mountWords(path)).run()
      }
    }
    return local
  }

  private var record: LocalVolumeRecord {
    // Also for reading: the kernel replays the journal, and writes when it does.
    var record = volume.record(isWritable: true)
    record.directory = directory
    record.partition = item.number
    record.type = item.content?.rawValue
    record.isMountedForWriting = !isReadOnly
    return record
  }

  private func mountWords(_ device: String) -> [String] {
    var all = [isReadOnly ? "ro" : "rw", "noexec", "nosuid", "nodev"]
    // The same file system is often mounted already: the running one, or another revision of it.
    if item.content == .xfs { all.append("nouuid") }
    if let options { all.append(options) }
    let type = item.content?.mountType.map { ["--types", $0] } ?? []
    return ["mount"] + type + ["--options", all.joined(separator: ","), device, directory]
  }
}
