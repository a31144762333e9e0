package import CalendarTime
package import ChildProcesses
import FileIO
import Glibc
import JSONText
import SystemPackage

/// A volume of a revision that was made a device or a directory of this machine, as a later process reads it
/// that is to undo it: an object of JSON with the properties' names.
package struct LocalVolumeRecord: Equatable, Sendable {
  package let repository: String
  /// With job, whole id and volume.
  package let volume: String
  package let created: Timestamp
  /// Which start of the machine it belongs to; none of it is left after another one.
  package var bootID = Self.currentBootID
  /// Whether what is written to the device is kept until it is undone; else nothing can be.
  package let isWritable: Bool

  package var server: ProcessIdentity?
  /// nbdfuse, where the kernel has no network block devices.
  package var fuse: ProcessIdentity?
  /// A network block device, such as `/dev/nbd0`, and the process that connected it.
  package var device: String?
  package var clientID: Int?
  /// What tells the volume groups on the disk from all others, where it has any.
  package var groupKey: String?
  /// Paths of the physical volumes whose logical volumes are active.
  package var physicalVolumes: [String] = []

  /// The rest is known of what is mounted: where, what, and how.
  package var directory: String?
  package var source: String?
  package var partition: Int?
  /// `vg0/root`, as they are called on the disk.
  package var logicalVolume: String?
  package var type: String?
  package var isMountedForWriting = false

  package init(repository: String, volume: String, created: Timestamp, isWritable: Bool) {
    self.repository = repository
    self.volume = volume
    self.created = created
    self.isWritable = isWritable
  }

  package var isOfThisBoot: Bool { bootID == Self.currentBootID }

  package static let currentBootID = (try? POSIXFileSystem().bootID()) ?? ""

  // MARK: As text

  package var text: String {
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
  package init?(_ text: String) {
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
