import Administration
import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import JSONText
import NBDProtocol
import NBDServer
import NBDTestSupport
import Overlays
import SystemPackage
import TestSupport
import Testing
import VolumeReader
import Workers

@Suite("Serving, without a process")
struct ServingTests {
  private let office: Office
  private let id: RevisionID

  init() throws {
    office = try Office()
    id = try office.backUp()
  }

  private var directory: FilePath { office.place.directory.path }

  private func offer(
    _ revisions: String..., writing: ServingRequest.Writing = .refused,
    change: (inout ServingRequest) -> Void = { _ in }
  ) throws -> OfferedExports {
    var request = ServingRequest(try revisions.map(reference))
    request.writing = writing
    change(&request)
    return try request.prepare(on: office.repository, context: office.place.context).open(
      overlays: { try office.overlays() },
      temporary: {
        try TemporaryOverlays(
          in: directory.appending("temporary"), outside: office.repository.root)
      })
  }

  /// The refusal, whatever was noticed before.
  private func refusal(
    _ revisions: String..., overlay: String
  ) throws -> Administration.Refusal.OfServing? {
    do {
      var request = ServingRequest(try revisions.map(reference))
      request.writing = .kept(overlay)
      _ = try request.prepare(on: office.repository, context: office.place.context).open(
        overlays: { try office.overlays() }, temporary: { throw CancellationError() })
      return nil
    } catch Administration.Refusal.serving(let refusal) {
      return refusal
    } catch let error as NoticedFailure {
      guard case Administration.Refusal.serving(let refusal) = error.cause else { throw error }
      return refusal
    }
  }

  @Test("everything is served, or what is named")
  func readOnly() throws {
    try office.backUp("db01")
    #expect(try offer().exports.list().count == 2)
    let one = try offer("web01")
    #expect(try one.exports.list().count == 1)
    #expect(try one.defaultExportName()?.hasPrefix("web01@") == true)
    #expect(one.overlay == nil && one.notices.isEmpty)
    let export = try #require(try one.exports.open(""))
    defer { export.close() }
    #expect(export.writer == nil)
    #expect(throws: ReferenceError.self) { try offer("web02") }
  }

  @Test(
    "what clients write is kept nowhere but in an overlay",
    arguments: [ServingRequest.Writing.discarded, .shared])
  func temporary(writing: ServingRequest.Writing) throws {
    let offered = try offer("web01", writing: writing)
    let export = try #require(try offered.exports.open(""))
    #expect(export.writer != nil && export.isShared == (writing == .shared))
    export.close()
    try offered.close()
    #expect(try office.overlays().list().isEmpty)
  }

  @Test("volumes are padded where that is asked for")
  func padded() throws {
    try office.place.backUp(try office.place.disk("odd.raw", [1, 2, 3]), job: "odd")
    for (pads, sizeBytes) in [(false, 3), (true, 512)] as [(Bool, UInt64)] {
      let export = try #require(
        try offer("odd") { $0.padsSectors = pads }.exports.open(""))
      defer { export.close() }
      #expect(export.volume.sizeBytes == sizeBytes)
    }
  }

  @Test("an overlay is made on the revision that is named, and stays on it")
  func overlay() throws {
    let first = try offer("web01", writing: .kept("repair"))
    guard case .overlayMade("repair", let entry) = first.notices.first, entry.id == id else {
      return #expect(Bool(false), "\(first.notices)")
    }
    try first.close()
    let second = try offer(writing: .kept("repair"))
    #expect(second.notices.isEmpty)
    #expect(second.overlay?.removeIfUnused() == nil)
    try second.close()
    try office.backUp(byte: 2)
    let third = try offer("web01", writing: .kept("repair"))
    guard case .overlayStays("repair", let own, "web01") = third.notices.last, own.id == id else {
      return #expect(Bool(false), "\(third.notices)")
    }
    try third.close()
  }

  @Test("an overlay that was made for nothing goes with its pin")
  func withdrawn() throws {
    let offered = try offer("web01", writing: .kept("repair"))
    guard case .removed(leftPin: nil) = offered.overlay?.removeIfUnused() else {
      return #expect(Bool(false), "it stays")
    }
    #expect(try office.overlays().list().isEmpty)
    #expect(try office.repository.pins().pins.isEmpty)
  }

  @Test("an overlay needs one revision, of its own job")
  func refused() throws {
    try office.backUp("db01")
    guard case .noOverlay("repair") = try refusal(overlay: "repair") else {
      return #expect(Bool(false), "another refusal")
    }
    guard
      case .severalRevisions(overlay: "repair", let names) = try refusal(
        "web01", "db01", overlay: "repair"),
      names == ["web01", "db01"]
    else { return #expect(Bool(false), "another refusal") }
    try offer("web01", writing: .kept("repair")).close()
    guard
      case .otherJob(overlay: "repair", of: "web01", reference: "db01", job: "db01") = try refusal(
        "db01", overlay: "repair")
    else { return #expect(Bool(false), "another refusal") }
  }

  @Test("a server says where it is and whom it serves")
  func status() throws {
    let offered = try offer("web01")
    let running = try RunningServer(offered.exports)
    let context = office.place.context
    let announcement = ServerAnnouncement(
      of: running.server, exportName: "web01@0", tls: .off, repository: office.repository,
      context: context)
    #expect(announcement.json["addresses"]?.elements.count == 2)
    #expect(announcement.json["process"]?.count == UInt64(context.host.process))
    #expect(
      announcement.addresses[0].uri.description
        == "nbd+unix:///web01%400?socket=\(running.socketPath)")
    let status = ServerStatus(
      of: running.server, offering: offered, configuration: ServerConfiguration(),
      repository: office.repository, version: "1.0", context: context)
    let socket = directory.appending("serve.sock").string
    try running.server.publishStatus(at: socket) { Array(status.json.text.utf8) }
    let client = try running.greet()
    let outcome = ClientListRequest(sockets: [
      .init(process: 4711, path: socket),
      .init(process: 4712, path: directory.appending("gone.sock").string),
    ]).run()
    #expect(outcome.silent.isEmpty && outcome.servers.count == 1)
    let server = try #require(outcome.json.elements.first)
    #expect(server["version"]?.string == "1.0" && server["tls"]?.string == "off")
    #expect(server["repository"]?.string == office.repository.root.string)
    #expect(server["clients"]?.elements.count == 1)
    _ = client
  }

  @Test("a volume is named so that nothing else can be meant")
  func selected() throws {
    let volume = try SelectedVolume(
      reference("web01"), in: office.repository, openedWith: nil)
    #expect(volume.reference == "web01@\(id)" && volume.notices.isEmpty)
    #expect(volume.name == "web01@\(id.short)")
    #expect(
      SelectedVolume.shortened("db01@\(id)/vda") == "db01@\(id.short)/vda"
        && SelectedVolume.shortened("db01") == "db01")
    #expect(throws: ReferenceError.self) {
      try SelectedVolume(reference("web01/vdb"), in: office.repository, openedWith: nil)
    }
  }
}
