import Administration
import ArgumentParser

struct Umount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unmount a revision mounted by varve mount.",
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
    let request = UnmountingRequest(directory: directory)
    let unmounted = try request.run(in: DeviceEnvironment.records)
    unmounted.notices.warn()
    if json.isWanted { try StandardOutput().document(unmounted.json) }
  }
}
