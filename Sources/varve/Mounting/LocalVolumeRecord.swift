import Administration
import CalendarTime
import ChildProcesses
import ChunkFormat
import FileIO
import Glibc
import JSONText
import SystemPackage

/// What `attach` or `mount` has set up, as a later process reads it that is to undo it: an object of JSON
/// with the properties' names.
struct LocalVolumeRecord: Equatable, Sendable {
  let repository: String
  /// With job, whole id and volume.
  let volume: String
  let created: Timestamp
  /// Which start of the machine it belongs to; none of it is left after another one.
  var bootID = Self.currentBootID
  /// Whether what is written to the device is kept until it is undone; else nothing can be.
  let isWritable: Bool

  var server: ProcessIdentity?
  /// nbdfuse, where the kernel has no network block devices.
  var fuse: ProcessIdentity?
  /// A network block device, such as `/dev/nbd0`, and the process that connected it.
  var device: String?
  var clientID: Int?
  /// What tells the volume groups on the disk from all others, where it has any.
  var groupKey: String?
  /// Paths of the physical volumes whose logical volumes are active.
  var physicalVolumes: [String] = []

  /// The rest is known of what is mounted: where, what, and how.
  var directory: String?
  var source: String?
  var partition: Int?
  /// `vg0/root`, as they are called on the disk.
  var logicalVolume: String?
  var type: String?
  var isMountedForWriting = false

  init(repository: String, volume: String, created: Timestamp, isWritable: Bool) {
    self.repository = repository
    self.volume = volume
    self.created = created
    self.isWritable = isWritable
  }

  var isOfThisBoot: Bool { bootID == Self.currentBootID }

  static let currentBootID = (try? POSIXFileSystem().bootID()) ?? ""

  // MARK: As text

  var text: String {
    JSON.object([
      "repository": .string(repository), "volume": .string(volume),
      "created": .integer(created.nanosecondsSince1970),
      "bootID": .string(bootID), "isWritable": .bool(isWritable), "server": server.json,
      "fuse": fuse.json, "device": .optional(device),
      "clientID": clientID.map { .integer(Int64($0)) } ?? .null,
      "groupKey": .optional(groupKey),
      "physicalVolumes": .strings(physicalVolumes),
      "logicalVolume": .optional(logicalVolume), "directory": .optional(directory),
      "source": .optional(source),
      "partition": partition.map { .integer(Int64($0)) } ?? .null, "type": .optional(type),
      "isMountedForWriting": .bool(isMountedForWriting),
    ]).indentedText + "\n"
  }

  /// Nil for what is no such record.
  init?(_ text: String) {
    guard let json = JSON(parsing: text), let repository = json["repository"]?.string,
      let volume = json["volume"]?.string,
      let created = json["created"]?.count.flatMap({ Int64(exactly: $0) }),
      let bootID = json["bootID"]?.string
    else { return nil }
    self.init(
      repository: repository, volume: volume, created: Timestamp(nanosecondsSince1970: created),
      isWritable: json["isWritable"] == .bool(true))
    self.bootID = bootID
    server = json["server"].flatMap(ProcessIdentity.init)
    fuse = json["fuse"].flatMap(ProcessIdentity.init)
    device = json["device"]?.string
    clientID = json["clientID"]?.count.flatMap { Int(exactly: $0) }
    groupKey = json["groupKey"]?.string
    physicalVolumes = (json["physicalVolumes"]?.elements ?? []).compactMap(\.string)
    logicalVolume = json["logicalVolume"]?.string
    directory = json["directory"]?.string
    source = json["source"]?.string
    partition = json["partition"]?.count.flatMap { Int(exactly: $0) }
    type = json["type"]?.string
    isMountedForWriting = json["isMountedForWriting"] == .bool(true)
  }
}

extension ProcessIdentity {
  fileprivate init?(_ json: JSON) {
    guard let id = json["id"]?.count.flatMap({ pid_t(exactly: $0) }),
      let ticks = json["startTicks"]?.count
    else { return nil }
    self.init(id: id, startTicks: ticks)
  }
}

extension ProcessIdentity? {
  fileprivate var json: JSON {
    map { .object(["id": .integer(Int64($0.id)), "startTicks": .unsigned($0.startTicks)]) } ?? .null
  }
}
