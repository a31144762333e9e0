import Administration
import ArgumentParser
import CalendarTime
import ChunkStore

struct Mount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Mount the file system of a revision, or list what is mounted.",
    usage: """
      varve mount <revision> <directory> [--partition <number>] [--read-write] [<options>]
      varve mount [--json]
      """,
    discussion: """
      If the disk was in use during the backup, the journal is replayed into temporary storage, \
      so no file is missing and the revision does not change. umount removes that storage. The \
      volume becomes a block device through the kernel's nbd driver and nbd-client if both are \
      available, otherwise through nbdfuse and a loop device. 'varve mount' needs root.

        varve mount web01@2026-11-20 /mnt
        cp -a /mnt/etc/fstab .
        varve umount /mnt

        varve mount web01@latest /mnt --partition 2
        varve mount db01@latest/vdb /mnt -o subvol=@home
        varve mount app01@latest /mnt --logical-volume vg0/root

      A disk without a partition table is mounted whole. If there are several partitions with \
      file systems, or several LVM logical volumes, choose one. Programs and device files on the \
      mounted file system do not work unless -o exec,suid,dev is given.
      """)

  @Argument(
    help: "The revision, such as web01@latest; with /VOLUME if it has several.",
    transform: NameArgument.revision)
  var revision: RevisionReference?

  @Argument(help: "Existing mount point.", completion: .directory)
  var directory: String?

  @Option(help: ArgumentHelp("The partition's number, as in /dev/sda5.", valueName: "number"))
  var partition: Int?

  @Option(
    help: ArgumentHelp(
      "The logical volume, VG/LV as on the disk, or LV alone.", valueName: "volume"))
  var logicalVolume: String?

  @Flag(help: "Allow writes to files; umount discards them.")
  var readWrite = false

  @Option(
    name: [.customShort("o"), .customLong("options")],
    help: ArgumentHelp(
      "More options of mount(8), added after noexec,nosuid,nodev.", valueName: "list"))
  var options: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if let partition, partition < 1 {
      throw ValidationError("--partition must be 1 or more, found \(partition).")
    }
    let words = (options ?? "").split(separator: ",")
    if let wrong = words.first(where: Self.ownOptions.contains) {
      throw ValidationError(
        "-o \(wrong) is not allowed: varve mounts read-only unless --read-write is given, and "
          + "creates the device itself.")
    }
    if revision != nil, directory == nil {
      throw ValidationError("A directory is expected after the revision.")
    }
    if partition != nil, logicalVolume != nil {
      throw ValidationError("Only one of --partition and --logical-volume can be given.")
    }
    if logicalVolume == "" { throw ValidationError("--logical-volume needs a name, found ''.") }
    if revision == nil, partition != nil || logicalVolume != nil || readWrite || options != nil {
      throw ValidationError("A revision and a directory are expected.")
    }
  }

  /// What would change which device is mounted how.
  private static let ownOptions: Set<Substring> = [
    "ro", "rw", "remount", "bind", "rbind", "move", "loop",
  ]

  mutating func run() throws {
    guard let revision, let directory else { return try list() }
    try Privilege.require(for: "mounting")
    let selected = try SelectedVolume(revision, in: repository)
    var request = MountRequest(directory: directory)
    request.partition = partition
    request.logicalVolume = logicalVolume
    request.isReadOnly = !readWrite
    request.options = options
    let outcome = try request.run(on: selected, in: .ofProgram())
    outcome.notices.warn()
    if json.isWanted {
      try StandardOutput().document(outcome.mounted.json)
    } else {
      Console.shared.message("mounted \(outcome.summary)")
    }
  }

  private func list() throws {
    let (mounts, notices) = try MountListRequest().run(in: DeviceEnvironment.records)
    notices.warn()
    let output = StandardOutput()
    if json.isWanted {
      try output.document(mounts.json)
    } else if !mounts.isEmpty {
      try output.table(Self.table(of: mounts))
    }
    if mounts.isEmpty { Console.shared.message("nothing is mounted") }
  }

  private static func table(of mounts: [MountedDirectory]) -> Table {
    var table = Table([
      .text("DIRECTORY"), .text("VOLUME"), .right("PARTITION"), .left("TYPE"), .left("SINCE"),
      .left("STATE"),
    ])
    for mount in mounts {
      table.add([
        Cell(mount.directory ?? ""), Cell(SelectedVolume.shortened(mount.volume)),
        Cell(mount.part?.text ?? ""), Cell(mount.type ?? ""),
        Cell(TimeZone.shown.text(of: mount.created)), mount.state.cell,
      ])
    }
    return table
  }
}

extension MountOutcome {
  /// What is mounted where and how.
  fileprivate var summary: String {
    let part =
      switch mounted.part {
      case .partition(let number): ", partition \(number)"
      case .logicalVolume(let name): ", \(name)"
      case nil: ""
      }
    let type = mounted.type.map { ", \($0)" } ?? ""
    return "\(volume)\(part)\(type), \(mounted.isReadOnly ? "read-only" : "read-write"), at "
      + (mounted.directory ?? "")
  }
}

extension MountedDirectory.Part {
  fileprivate var text: String {
    switch self {
    case .partition(let number): String(number)
    case .logicalVolume(let name): name
    }
  }
}

extension MountedDirectory.State {
  fileprivate var cell: Cell {
    switch self {
    case .mounted: Cell("mounted", .good)
    case .serverGone: Cell("server gone", .bad)
    case .notMounted: Cell("not mounted", .bad)
    }
  }
}
