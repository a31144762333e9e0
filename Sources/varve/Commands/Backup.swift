import Administration
import ArgumentParser
import BackupEngine
import ChunkFormat
import ChunkStore
import FileIO
import SystemPackage
import VolumeSources

struct Backup: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Back up the volumes of a job as a new revision.",
    usage: "varve backup <job> [<name>=]<source> ... [<options>]",
    discussion: """
      Reads every source from front to back, stores what the repository does not have, and creates \
      one revision of the job with all volumes. When the command ends with exit status 0, the \
      revision is complete and survives a power failure. An interrupted backup creates no revision; \
      the next backup reuses the data already stored.

        varve backup web01 /dev/vg0/web01-snapshot
        varve backup db01 vda=/dev/vg0/db vdb=/images/db-data.raw \\
          --tag nightly --attach domain.xml
        zcat disk.gz | varve backup legacy -

      The backup is refused, and no revision is created, if a volume is empty, if it holds less than \
      half of its data or size in the newest revision that is not distrusted, or if \
      volumes were added or removed. The cause may be a failed command in front of a pipe, an \
      unmounted disk or a mistyped name. Use --accept-unusual to back it up anyway.

      Prints the id of the revision. If a source is written to while it is being read, the copy \
      is as inconsistent as after a power failure, or worse: back up snapshots instead.
      """)

  @Argument(
    help: "The job: the machine's name. The first backup creates the job.",
    transform: NameArgument.job)
  var job: String

  @Argument(
    help: ArgumentHelp(
      "A raw image file, a block device, a pipe, or - for standard input.",
      discussion: """
        With several volumes, give each as NAME=SOURCE, and use the same names in every backup. \
        If a path contains =, put a directory in front of it, such as ./a=b.
        """,
      valueName: "source"),
    completion: .file())
  var sources: [String]

  @Option(
    name: [.short, .long], parsing: .singleValue,
    help: ArgumentHelp("Put this tag on the revision; can be repeated.", valueName: "name"),
    transform: NameArgument.tag)
  var tag: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Keep this document, up to 16MiB, with the revision; can be repeated.",
      discussion:
        "The document is stored under its file name; use NAME=FILE to give it another name.",
      valueName: "file"),
    completion: .file())
  var attach: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much to read back afterwards: full, none, a percentage of the chunks such as 5%, or auto.",
      discussion: """
        auto reads volumes with up to 1GiB of data in full, and a random 5 % of the chunks of \
        larger ones. The source is read again and compared, including the holes that its file \
        system reports: full checks all of them, a percentage checks a sample, and auto checks \
        up to 1GiB. The result says what was read.
        """,
      valueName: "share"),
    transform: VerificationArgument.reading)
  var verify = VerificationArgument.automatic

  @Flag(
    inversion: .prefixedNo,
    help: """
      Store a slightly changed chunk as a delta against the old one. This saves a lot of space \
      for databases, but the backup then also reads from the repository.
      """)
  var deltas = true

  @Flag(
    help: ArgumentHelp(
      "Read the holes of sparse files instead of taking them as zeros.",
      discussion: """
        Use this if the file system reports holes where a file has data. Normally the backup skips \
        holes, so that sparse files are backed up quickly.
        """))
  var readHoles = false

  @OptionGroup var unusual: UnusualOption
  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    _ = try VolumeInputs(sources)
    _ = try AttachmentInputs(attach)
  }

  mutating func run() throws {
    var request = BackupRequest(
      job: job, volumes: try openVolumes(), program: "varve \(Varve.version)")
    request.documents = try AttachmentInputs(attach).documents()
    request.tags = tag
    request.verification = verify.policy
    request.usesDeltas = deltas
    request.acceptsUnusual = unusual.isAccepted
    let repository = try repository.open()
    let progress = ProgressBoard()
    let outcome = try ProgressDisplay.showing({ [job] in progress.reading(of: job) }) {
      try UnusualOption.explaining {
        try request.run(on: repository, context: .ofProgram(showing: progress))
      }
    }
    try outcome.print(asJSON: json.isWanted, policy: verify.policy)
  }

  private func openVolumes() throws -> [BackupRequest.Volume] {
    try VolumeInputs(sources).volumes.map { name, path in
      BackupRequest.Volume(name: name, source: try openSource(path, readsHoles: readHoles))
    }
  }
}
