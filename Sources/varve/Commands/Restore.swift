import Administration
import ArgumentParser
import BackupEngine
import ChunkFormat
import ChunkStore
import FileIO
import VolumeTargets

struct Restore: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a volume of a revision to a file, a device, a pipe or an NBD server.",
    usage: "varve restore <revision> <target> [<options>]",
    discussion: """
      A new file is sparse, and only its owner can read it. An existing file is replaced only with \
      --force, and only when the restore has succeeded. A block device is refused if it is too \
      small, mounted or in use. Zeros take no space on a thin volume, in a sparse file, or on any \
      other target that can free space. On other targets, the target is read, and zeros are written \
      only where it holds something else.

        varve restore web01@latest - | rbd import - pool/web01
        varve restore web01@2026-11-20 /dev/vg0/web01-restored
        varve restore db01@latest/vdb out.raw --verify
        varve restore web01 nbd://storage.example/web01

      The restore ends if the target is full. If the target does not respond, such as a full thin \
      pool that queues writes, the restore ends after \(StorageProcess.patienceSeconds / 60) \
      minutes, and after Ctrl-C within seconds. If the target is a file and its file system is \
      waiting for storage, the restore ends only when the storage responds.

      If content cannot be read, the restore stops with exit status 1 and names volume, offset and \
      pack. A new file is then removed; a device is left half written. With --skip-damaged the \
      restore continues, lists every gap, and still ends with exit status 1.
      """)

  @Argument(
    help: "The revision, such as web01@latest; with /VOLUME if it has several.",
    transform: NameArgument.revision)
  var revision: RevisionReference

  @Argument(
    help: """
      A path, - for standard output (written sequentially), or a URI such as \
      nbd://HOST[:PORT]/EXPORT.
      """,
    completion: .file())
  var target: String

  @Flag(help: "Replace an existing file.")
  var force = false

  @Flag(help: "Read the target back afterwards and compare it with the revision.")
  var verify = false

  @Option(
    help: ArgumentHelp(
      "Continue past damaged content, and fill each gap with this pattern.",
      discussion: """
        Use --skip-damaged alone for zeros, or --skip-damaged=0xDEADBEEF for a pattern of up to \
        \(DamageFill.maximumBytes) bytes in hexadecimal.
        """,
      valueName: "pattern"))
  var skipDamaged: DamageFill?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    guard !target.isEmpty else { throw ValidationError("A target is expected, found ''.") }
    guard target == "-" else { return }
    if verify {
      throw ValidationError("Standard output (-) cannot be read back; leave out --verify.")
    }
    if json.isWanted {
      throw ValidationError("Standard output (-) receives the volume; --json cannot be added.")
    }
  }

  mutating func run() throws {
    if target == "-", StandardDescriptors.isOutputClosed {
      throw Failure(
        .invalidRequest,
        "standard output is closed, so the volume cannot be written; redirect it, or name another target"
      )
    }
    let repository = try repository.open()
    var request = RestoreRequest(revision: revision)
    request.fill = skipDamaged
    request.verifies = verify
    let prepared = try request.prepare(on: repository)
    prepared.notices.warn()
    let target = try openTarget(target, force: force, outside: repository.root)
    let progress = ProgressBoard()
    let subject = "\(prepared.entry.revision.job)/\(prepared.volume.name)"
    let outcome = try Interruption.shared.cleaningUp(with: { target.abandon() }) {
      try ProgressDisplay.showing({ progress.reading(of: subject) }) {
        try prepared.run(to: target, context: .ofProgram(showing: progress))
      }
    }
    try outcome.print(asJSON: json.isWanted)
  }
}
