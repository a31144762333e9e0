import Administration
import ChunkFormat
import ChunkStore
import EngineTestSupport
import GarbageCollection
import JSONText
import SystemPackage
import TestSupport
import Testing

@Suite("Creation and collection, without a process")
struct CreationAndCollectionTests {
  private let office: Office

  init() throws { office = try Office() }

  private func create(_ key: NewKey?) throws -> CreationOutcome {
    try CreationRequest(RepositorySettings(), firstKey: key).run(
      at: office.place.directory.path.appending("another"),
      environment: office.place.environment, context: office.place.context)
  }

  @Test("a repository is created once")
  func creation() throws {
    let created = try create(nil)
    #expect(created.encryption == nil && created.json["encryption"] == .null)
    #expect(created.json["id"]?.string == "\(created.repository.configuration.id)")
    #expect(created.json["repository"]?.string?.hasSuffix("/another") == true)
    #expect(throws: StoreError.self) { try create(nil) }
  }

  @Test("a new repository says what opens it")
  func encrypted() throws {
    let created = try create(NewKey(secret: Workplace.passphrase, label: ""))
    #expect(created.json["encryption"]?.string == "passphrase")
  }

  private func collect(dry: Bool) throws -> CollectionOutcome {
    var settings = CollectionSettings()
    settings.isDryRun = dry
    settings.allowsLargeShare = true
    return try CollectionRequest(settings).run(
      on: office.repository, context: office.place.context)
  }

  @Test("a dry collection finds what a real one deletes")
  func collection() throws {
    let id = try office.backUp(byte: 1)
    try office.backUp(byte: 2)
    try office.repository.forget { _ in [id] }
    let dry = try collect(dry: true)
    #expect(dry.isClean && dry.json(.names)["isDryRun"] == .bool(true))
    #expect(dry.json(.names)["revisions"]?.count == 1)
    #expect(dry.json(.names)["deletedPacks"]?.count == 0 && dry.report.deadPacks > 0)
    let done = try collect(dry: false)
    #expect(done.report.deadPacks == dry.report.deadPacks)
    #expect(done.json(.names)["isDryRun"] == .bool(false) && done.json(.names)["refusal"] == .null)
  }
}
