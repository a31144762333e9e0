import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import ChunkFormat

/// `Fixtures/read-repository.py`, written only from the documentation, reads the files that this
/// module writes. If the script, the documentation or the module changes alone, a test fails.
@Suite(.enabled(if: Python.imports("hashlib"))) struct IndependentReaderTests {
  @Test func readsAPlainRepository() throws {
    try compare(keys: nil)
  }

  @Test(.enabled(if: Python.imports("cryptography"))) func readsAnEncryptedRepository() throws {
    try compare(keys: Sample.keys)
  }

  @Test func findsDamage() throws {
    var random = SeededRandom(seed: 3)
    let repository = try SampleRepository(keys: nil, random: &random)
    #expect(try Python.readRepository(repository, "check").status == 0)
    let pack = repository.directory.appending("packs/data/\(repository.dataPack)")
    let file = try POSIXFileSystem().openFile(pack, for: .readingAndWriting)
    defer { file.close() }
    try [0xaa as UInt8].withUnsafeBytes { try file.write($0, at: 200) }
    let found = try Python.readRepository(repository, "check")
    #expect(found.status == 1)
  }

  @Test func findsAPinWithoutItsRevision() throws {
    var random = SeededRandom(seed: 4)
    let repository = try SampleRepository(keys: nil, random: &random)
    let pin = try Sample.pin.encoded(repository: Sample.repository, keys: nil)
    try repository.root?.file("pins/\(String(repeating: "60", count: 16))", pin)
    #expect(try Python.readRepository(repository, "check").status == 1)
  }

  private func compare(keys: RepositoryKeys?) throws {
    var random = SeededRandom()
    let repository = try SampleRepository(keys: keys, random: &random)
    let check = try Python.readRepository(repository, "check")
    #expect(check.status == 0, "\(random)")
    let sums = try Python.readRepository(repository, "sums")
    #expect(sums.status == 0, "\(random)")
    let digest = try FileDigest(of: repository.content)
    #expect(sums.output == "\(digest)  web02@tag:marked\n", "\(random)")
  }
}

/// A repository of one volume, written only by this module. It has every codec, two levels of map,
/// a map node that is a delta, holes, and a short chunk at the end.
private struct SampleRepository {
  static let chunkSize = 64 << 10
  let root = try? TemporaryDirectory()
  let content: [UInt8]
  private(set) var dataPack = ""
  private let keys: RepositoryKeys?
  private let hasher: ContentHasher
  private let compressor: Compressor

  var directory: FilePath { root?.path ?? "/nonexistent" }
  var arguments: [String] { keys == nil ? [] : ["--passphrase-file", "\(directory)/passphrase"] }

  init(keys: RepositoryKeys?, random: inout SeededRandom) throws {
    self.keys = keys
    hasher = try ContentHasher(idKey: keys?.idKey)
    compressor = try Compressor(method: .standard)
    let noise = random.bytes(Self.chunkSize)
    var changed = noise
    changed[777] ^= 1
    let text = Array(String(repeating: "sediment", count: Self.chunkSize / 8).utf8)
    let end = random.bytes(1000)
    let chunks: [(Int, [UInt8])] = [(0, noise), (3, text), (255, changed), (256, text), (300, end)]
    var content = [UInt8](repeating: 0, count: 300 * Self.chunkSize + end.count)
    for (number, chunk) in chunks {
      content.replaceSubrange(
        number * Self.chunkSize..<number * Self.chunkSize + chunk.count, with: chunk)
    }
    self.content = content

    let noiseRecord = try record(noise, .chunk)
    let records = [
      noiseRecord, try record(text, .chunk), try delta(changed, from: noise, noiseRecord, .chunk),
      try record(end, .chunk),
    ]
    var first = MapNode(level: 0)
    first.children[0] = records[0].id
    first.children[3] = records[1].id
    first.children[255] = records[2].id
    var second = MapNode(level: 0)
    second.children[0] = records[1].id
    second.children[44] = records[3].id
    let firstRecord = try record(first.encoded(), .mapNode)
    let secondRecord = try delta(
      second.encoded(), from: first.encoded(), firstRecord, .mapNode)
    var top = MapNode(level: 1)
    top.children[0] = firstRecord.id
    top.children[1] = secondRecord.id
    let topRecord = try record(top.encoded(), .mapNode)
    try write(root: topRecord.id, data: records, nodes: [firstRecord, secondRecord, topRecord])
  }

  private func record(_ content: [UInt8], _ type: RecordType) throws -> PreparedRecord {
    try content.withBytes {
      try PreparedRecord(
        standalone: $0, id: try hasher.id(of: $0, type: type), type: type, compressor: compressor)
    }
  }

  private func delta(
    _ content: [UInt8], from old: [UInt8], _ base: PreparedRecord, _ type: RecordType
  ) throws -> PreparedRecord {
    let delta = try content.withBytes { content in
      try old.withBytes { old in
        try PreparedRecord(
          deltaOf: content, id: try hasher.id(of: content, type: type), type: type, base: base.id,
          baseContent: old, compressor: compressor)
      }
    }
    return try #require(delta)
  }

  private mutating func write(
    root: ContentID, data: [PreparedRecord], nodes: [PreparedRecord]
  ) throws {
    for name in [
      "keys", "packs", "packs/data", "packs/maps", "revisions", "marks", "sessions", "pins",
    ] {
      try POSIXFileSystem().createDirectory(
        directory.appending(name), permissions: .ownerReadWriteExecute)
    }
    let configuration = try RepositoryConfiguration(
      id: Sample.repository, chunkSizeBytes: Self.chunkSize, isEncrypted: keys != nil,
      compression: .standard, created: 1)
    _ = try put(configuration.encoded(keys: keys), "config")
    if let keys {
      _ = try put(Array("correct horse\n".utf8), "passphrase")
      _ = try put(KeySlotTests.slot(keys: keys), in: "keys")
      _ = try put(
        KeySlotTests.slot(.keyFile, secret: Sample.secret(0x55), keys: keys), in: "keys")
    }
    dataPack = try putPack(data, kind: .dataPack, in: "packs/data")
    _ = try putPack(nodes, kind: .mapPack, in: "packs/maps")
    let volume = RevisionVolume(
      name: "disk", sizeBytes: UInt64(content.count), root: root, source: "-",
      statistics: VolumeStatistics())
    let revision = Revision(
      job: "web01", created: 1, finished: 2, parent: nil, tags: ["first"], volumes: [volume],
      attachments: [
        Attachment(name: "noise", sizeBytes: UInt64(Self.chunkSize), chunks: [data[0].id])
      ], host: "host", program: "test")
    let name = try put(
      revision.encoded(repository: Sample.repository, keys: keys), in: "revisions")
    let id = try #require(RevisionID(name: name))
    var marks = RevisionMarks(revision: id, tags: ["marked"], trust: .trusted, verification: nil)
    marks.isProtected = true
    marks.rename(job: "web01", to: "web02")
    _ = try put(marks.encoded(repository: Sample.repository, keys: keys), "marks/\(name)")
    var pin = Sample.pin
    pin.revision = id
    try put(
      pin.encoded(repository: Sample.repository, keys: keys),
      "pins/\(String(repeating: "5f", count: 16))")
    try put(Sample.policies.encoded(repository: Sample.repository, keys: keys), "policy")
  }

  private func putPack(
    _ records: [PreparedRecord], kind: RepositoryFileKind, in directory: String
  ) throws -> String {
    let encoder = try PackEncoder(kind: kind, repository: Sample.repository, keys: keys)
    for record in records { try encoder.append(record) }
    return try put(try encoder.finish().lastBytes, in: directory)
  }

  private func put(_ bytes: [UInt8], in directory: String) throws -> String {
    let name = try FileDigest(of: bytes).description
    _ = try put(bytes, "\(directory)/\(name)")
    return name
  }

  private func put(_ bytes: [UInt8], _ name: String) throws {
    try root?.file(name, bytes)
  }
}

private enum Python {
  static let reader = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent().appending("Fixtures/read-repository.py")

  static func imports(_ module: String) -> Bool {
    (try? run(["-c", "import \(module)"], output: "/dev/null")) == 0
  }

  static func readRepository(
    _ repository: SampleRepository, _ command: String
  ) throws -> (status: Int32, output: String) {
    let output = repository.directory.appending("output")
    let arguments = [reader.string, repository.directory.string] + repository.arguments
    let status = try run(arguments + [command], output: output)
    let bytes = try POSIXFileSystem().readAll(output, limitBytes: 1 << 20)
    return (status, String(decoding: bytes, as: UTF8.self))
  }

  private static func run(_ arguments: [String], output: FilePath) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(
      &actions, STDOUT_FILENO, output.string, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var words = (["python3"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    guard posix_spawnp(&process, "python3", &actions, nil, &words, environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { throw Errno(rawValue: errno) }
    }
    return status & 0x7f == 0 ? status >> 8 & 0xff : -1
  }
}
