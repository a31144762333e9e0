import ChildProcesses
import FileIO
import Glibc
import LocalDevices
import SystemPackage
import TestSupport
import Testing

@testable import varve

@Suite struct LocalVolumeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var record: LocalVolumeRecord {
    LocalVolumeRecord(
      repository: "/srv/a repository=\n", volume: "db01@1f3a/vda", created: 5, isWritable: true)
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

  @Test func whatIsNotedIsThereForOthers() throws {
    let local = try LocalVolume(place: directory.path, record: record)
    try local.note { $0.device = "/dev/nbd1" }
    let other = try #require(try LocalVolume(at: directory.path))
    #expect(other.record.device == "/dev/nbd1")
    #expect(other.record == local.record)
  }

  @Test func aDamagedRecordIsNamed() throws {
    try directory.file("record", Array("rubbish".utf8))
    let error = try #require(throws: FileError.self) { try LocalVolume(at: directory.path) }
    #expect(error.description.contains("record"))
  }

  @Test func aDirectoryWithoutARecordIsNone() throws {
    #expect(try LocalVolume(at: directory.path) == nil)
    #expect(try LocalVolume(at: directory.appending("missing")) == nil)
  }

  @Test func takingDownEndsTheServerAndRemovesTheDirectory() throws {
    let place = directory.appending("place")
    try POSIXFileSystem().createDirectory(place, permissions: .ownerReadWriteExecute)
    let local = try LocalVolume(place: place, record: record)
    let server = try ChildProcess(ProcessLaunch(["sleep", "60"]))
    try local.note { $0.server = ProcessIdentity(of: server.id) }
    #expect(local.isServed)
    try local.takeDown(lazily: false)
    #expect(try server.wait() == .signalled(SIGTERM))
    #expect(try directory.names().isEmpty)
    #expect(!local.isServed)
  }

  @Test func aServerOfAnotherBootIsSomebodyElse() throws {
    let place = directory.appending("place")
    try POSIXFileSystem().createDirectory(place, permissions: .ownerReadWriteExecute)
    let local = try LocalVolume(place: place, record: record)
    let other = try ChildProcess(ProcessLaunch(["sleep", "60"]))
    try local.note { record in
      record.server = ProcessIdentity(of: other.id)
      record.bootID = "another"
    }
    #expect(!local.isServed)
    try local.takeDown(lazily: false)
    #expect(try other.endingIfEnded() == nil)
    #expect(try directory.names().isEmpty)
    other.send(SIGKILL)
    _ = try other.wait()
  }
}
