import Administration
import ChildProcesses
import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct LocalVolumeStateTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var record: LocalVolumeRecord {
    LocalVolumeRecord(
      repository: "/srv/a repository=\n", volume: "db01@1f3a/vda", created: 5, isWritable: true)
  }

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
