import ArgumentParser

struct Umount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unmount what mount has mounted.",
    usage: "varve umount <directory> [<options>]",
    discussion: """
      It ends the server that was started for it, too, and removes what was written. A directory that \
      is in use stays mounted. When the server has died, the directory is unmounted all the same, \
      and whoever still uses it gets errors.

        varve umount /mnt
      """)

  @Argument(help: "Where the revision is mounted.", completion: .directory)
  var directory: String

  @OptionGroup var json: JSONOption

  mutating func run() throws {
    try Privilege.require(for: "unmounting")
    let path = AbsolutePath.of(directory)
    guard let local = try LocalVolumes().all().last(where: { $0.record.directory == path })
    else {
      throw Failure(
        .notFound, "varve has mounted nothing at \(path); 'varve mount' lists what it has")
    }
    try local.takeDown(lazily: false)
    guard json.isWanted else { return }
    try StandardOutput().document(
      .object([
        "directory": .string(path), "volume": .string(local.record.volume),
        "repository": .string(local.record.repository),
      ]))
  }
}
