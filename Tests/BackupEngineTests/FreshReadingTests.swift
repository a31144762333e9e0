import BackupEngine
import ChunkStore
import EngineTestSupport
import FileIO
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import Workers

/// Content in memory proves nothing about the disk.
@Test("A backup is verified from storage, not from memory")
func verificationReadsStorage() throws {
  let place = try Workplace()
  var random = SeededRandom(seed: 3)
  let disk = try place.disk("disk", random.bytes(4 * 64 << 10))
  let fileSystem = InterruptedFileSystem(POSIXFileSystem())
  var environment = place.environment
  environment.storage = LocalObjects.opener(on: fileSystem)
  let repository = try Repository.open(at: place.repository.root, environment: environment) {
    Workplace.passphrase
  }
  var request = BackupRequest(
    job: "web01",
    volumes: [BackupRequest.Volume(name: "disk", source: try openSource(disk.string))],
    program: "test")
  request.verification = .full
  fileSystem.record()
  let report = try Backup(
    repository: repository, request: request, context: .testingNow()
  ).run()
  #expect(report.verification.isComplete && report.verification.checkedChunks == 4)
  let calls = fileSystem.calls
  let committed = try #require(calls.firstIndex { $0.contains("/revisions/") })
  for pack in try place.packs("data") + place.packs("maps") {
    let touching = calls[committed...].filter {
      $0 == "read \(pack)" || $0 == "forgetCached \(pack)"
    }
    #expect(touching.first == "forgetCached \(pack)")
    #expect(touching.count > 1)
  }
}
