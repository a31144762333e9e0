import ChildProcesses
import FileIO
import JSONText
import LocalDevices
import SystemPackage
import TestSupport
import Testing

@testable import Administration

@Suite("Volumes that are devices or directories of this machine")
struct LocalVolumeTests {
  private var record: LocalVolumeRecord {
    LocalVolumeRecord(
      repository: "/srv/a repository=\n", volume: "db01@1f3a/vda", created: 5, isWritable: true)
  }

  private func attached(_ device: String, at directory: String? = nil) -> LocalVolumeRecord {
    var record = record
    record.device = device
    record.directory = directory
    return record
  }

  @Test func aRecordIsReadAsItWasWritten() throws {
    #expect(LocalVolumeRecord(record.text) == record)
    var full = record
    full.server = ProcessIdentity(id: 1, startTicks: 2)
    full.fuse = ProcessIdentity(id: 3, startTicks: .max)
    full.device = "/dev/nbd7"
    full.clientID = 8
    full.directory = "/mnt/ä %41"
    full.source = "/dev/loop1"
    full.partition = 2
    full.type = "xfs"
    full.isMountedForWriting = true
    #expect(LocalVolumeRecord(full.text) == full)
  }

  @Test(
    "no records",
    arguments: [
      "", "{", "[]", "{}", #"{"repository": "r"}"#,
      #"{"repository": "r", "volume": "v", "created": -1, "bootID": "b"}"#,
    ])
  func otherTexts(text: String) { #expect(LocalVolumeRecord(text) == nil) }

  @Test("a device or directory is of one volume only")
  func conflicts() {
    let mounted = attached("/dev/nbd1", at: "/mnt")
    #expect(mounted.conflict(withDevice: "/dev/nbd0") == nil)
    #expect(mounted.conflict(withDirectory: "/mnt/sub") == nil)
    guard
      case .device(.deviceMounted("/dev/nbd1", volume: "db01@1f3a/vda", at: "/mnt")) =
        mounted.conflict(withDevice: "/dev/nbd1"),
      case .device(.directoryInUse("/mnt", volume: "db01@1f3a/vda")) =
        mounted.conflict(withDirectory: "/mnt"),
      case .device(.deviceAttached("/dev/nbd1", volume: "db01@1f3a/vda")) =
        attached("/dev/nbd1").conflict(withDevice: "/dev/nbd1")
    else { return #expect(Bool(false), "another refusal") }
  }

  private func detachment(of path: String) throws -> DetachmentRequest {
    DetachmentRequest(device: try #require(KernelDevice(path: path)))
  }

  /// Writes a record of an earlier start of the machine, so that nothing else is left of it.
  private func note(
    _ record: LocalVolumeRecord, in directory: TemporaryDirectory, as name: String
  ) throws {
    var record = record
    record.bootID = "another"
    let place = directory.appending(name)
    try POSIXFileSystem().createDirectory(place, permissions: .ownerReadWriteExecute)
    _ = try LocalVolume(place: place, record: record)
  }

  @Test("what is left of a device or a mount from before a restart is removed, and told")
  func undoing() throws {
    let directory = try TemporaryDirectory()
    try note(attached("/dev/nbd0"), in: directory, as: "volume-aaaaaa")
    try note(attached("/dev/nbd1", at: "/mnt"), in: directory, as: "volume-bbbbbb")
    try POSIXFileSystem().createDirectory(
      directory.appending("volume-cccccc"), permissions: .ownerReadWriteExecute)
    try directory.file("volume-cccccc/record", Array("rubbish".utf8))
    let detached = try detachment(of: "/dev/nbd0").run(in: directory.path)
    #expect(detached.json["volume"]?.string == "db01@1f3a/vda" && detached.notices.count == 1)
    let (mounts, notices) = try MountListRequest().run(in: directory.path)
    #expect(mounts.map(\.directory) == ["/mnt"] && mounts[0].state == .notMounted)
    #expect(notices.count == 1)
    let unmounted = try UnmountingRequest(directory: "/mnt").run(in: directory.path)
    #expect(unmounted.json["directory"]?.string == "/mnt")
    #expect(try directory.names() == ["volume-cccccc"])
  }

  @Test("the newest is detached, and not what is mounted")
  func detachment() throws {
    let records = [attached("/dev/nbd0"), attached("/dev/nbd0"), attached("/dev/nbd1", at: "/mnt")]
    let request = try detachment(of: "/dev/nbd0")
    #expect(try request.index(among: records, isConnected: true) == 1)
    let none = #expect(throws: Refusal.self) {
      try detachment(of: "/dev/nbd7").index(among: records, isConnected: true)
    }
    let mounted = #expect(throws: Refusal.self) {
      try detachment(of: "/dev/nbd1").index(among: records, isConnected: true)
    }
    guard case .device(.notAttached("/dev/nbd7", isConnected: true)) = none,
      case .device(.mounted("/dev/nbd1", at: "/mnt")) = mounted
    else { return #expect(Bool(false), "another refusal") }
  }

  @Test("only what is mounted is unmounted")
  func unmounting() throws {
    let records = [attached("/dev/nbd0"), attached("/dev/nbd1", at: "/mnt")]
    #expect(try UnmountingRequest(directory: "/mnt").index(among: records) == 1)
    let none = #expect(throws: Refusal.self) {
      try UnmountingRequest(directory: "/media").index(among: records)
    }
    guard case .device(.notMounted("/media")) = none else {
      return #expect(Bool(false), "another refusal")
    }
  }
}
