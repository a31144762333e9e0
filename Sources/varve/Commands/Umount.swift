import Administration
import ArgumentParser
import LocalDevices

struct Umount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unmount a revision that varve mount has mounted.",
    usage: "varve umount <directory> [<options>]",
    discussion: """
      Also stops the server of the mount, and discards what was written. A directory that is in use \
      stays mounted. If the server has died, the directory is unmounted even if it is in use, and \
      programs that use it get errors.

        varve umount /mnt
      """)

  @Argument(help: "Where the revision is mounted.", completion: .directory)
  var directory: String

  @OptionGroup var json: JSONOption

  mutating func run() throws {
    try Privilege.require(for: "unmounting")
    let request = UnmountingRequest(directory: AbsolutePath.of(directory))
    let volumes = try LocalVolumes().all()
    let local = volumes[try request.index(among: volumes.map(\.record))]
    try local.takeDown(lazily: false)
    guard json.isWanted else { return }
    try StandardOutput().document(request.outcome(local.record).json)
  }
}
