import ChunkFormat
@testable import ChunkStore
import FileIO
import GarbageCollection
import LocalObjects
import SystemPackage
import TestSupport

extension SimulatedProcess {
  private static let collections = 5

  /// Collects until nothing is left to collect.
  func tidyUp() {
    var settings = CollectionSettings()
    settings.allowsLargeShare = true
    do {
      // One collection deletes packs that others condemned. The next one rewrites packs that the
      // first one pardoned. The third one deletes packs that became unnecessary.
      for _ in 1...Self.collections {
        let report = try collect(in: try open(), settings)
        let changes = [
          report.deletedPacks, report.rewrittenPacks, report.waitingPacks, report.pardonedPacks,
        ]
        if changes.allSatisfy({ $0 == 0 }) { return }
      }
      world.violated("collection number \(Self.collections) in a row still finds garbage")
    } catch {
      world.violated("the last collection fails: \(error)")
    }
  }
}

/// Checks that must hold after the last collection, when no process runs.
struct Tidiness {
  private let world: SimulatedWorld
  private var files: any FileSystem { world.fileSystem }

  init(_ world: SimulatedWorld) { self.world = world }

  func inspect() throws {
    world.inspect("in the end")
    guard world.violations.isEmpty else { return }
    try inspectLeftovers()
    try inspectGarbage()
    for machine in 0..<SimulatedWorld.machines { try inspectIndex(of: machine) }
  }

  private func inspectLeftovers() throws {
    let layout = world.layout
    for directory in [
      layout.condemned, layout.sessions, layout.forgotten, layout.marks, layout.revisions,
    ]
      + layout.packDirectories
    {
      let listed = try? files.list(directory)
      for entry in listed ?? [] where entry.name.hasPrefix(FilePath.temporaryPrefix) {
        world.violated("unfinished file \(entry.name) is left in \(directory)")
      }
    }
    for directory in [layout.condemned, layout.sessions, layout.forgotten] {
      let names = try? files.list(directory).map(\.name).filter { $0 != "lock" }
      if let names, !names.isEmpty { world.violated("\(directory) still holds \(names)") }
    }
    let revisions = Set(try files.list(layout.revisions).map(\.name))
    for entry in try files.list(layout.marks)
    where entry.name != "lock" && !revisions.contains(entry.name) {
      world.violated("marks of \(entry.name) are left, which is forgotten")
    }
  }

  /// Checks that every pack is mostly needed, and that needed records are stored once, or little
  /// more than once.
  private func inspectGarbage() throws {
    let table = world.ledger.table
    var needed = try world.ledger.neededRecords(in: files)
    var waiting = Array(needed)
    while let id = waiting.popLast() {
      for (_, copy) in table.copies(of: id) {
        if let base = copy.entry.base, needed.insert(base).inserted { waiting.append(base) }
      }
    }
    let neededBytes = needed.reduce(0) { sum, id in
      sum + (table.copies(of: id).map { $0.copy.entry.rangeInPack.count }.max() ?? 0)
    }
    let storedBytes = table.packs.values.reduce(0) { $0 + Int($1.lengthBytes) }
    let overheadBytes = table.packs.values.reduce(0) { $0 + Int($1.lengthBytes - $1.recordBytes) }
    let boundBytes = Int(Double(neededBytes + overheadBytes) / 0.7) + 1
    if storedBytes > boundBytes {
      world.violated("\(storedBytes) bytes are stored for \(neededBytes) that are needed")
    }
    if table.packs.values.reduce(into: [:], { $0[$1.kind, default: 0] += 1 })
      .contains(where: { $0.value > 8 })
    {
      world.violated("\(table.packs.count) packs are left")
    }
  }

  /// Checks that the index, and a rebuilt index, match the content of the packs.
  private func inspectIndex(of machine: Int) throws {
    var environment = RepositoryEnvironment(storage: LocalObjects.opener(on: files))
    environment.indexDirectory = world.indexDirectory(of: machine)
    let repository = try Repository.open(at: SimulatedWorld.root, environment: environment) {
      throw StoreError(.wrongKey, "there is no key")
    }
    compare(try indexed(repository), "before the comparison", listsAll: false)
    _ = try repository.records.synchronize()
    compare(try indexed(repository), "after the comparison", listsAll: true)
    if world.fingerprint % 16 == 0 {
      _ = try repository.rebuildIndex { _ in }
      compare(try indexed(repository), "made anew", listsAll: true)
    }
  }

  private func indexed(_ repository: Repository) throws -> [PackID: [PackEntry]] {
    try repository.records.index.read { index throws(StoreError) in
      let packs = try index.packs()
      var entries: [PackID: [PackEntry]] = [:]
      for pack in packs.values { entries[pack.id] = [] }
      try index.forEachRecord { _, record in
        if let pack = packs[record.pack] { entries[pack.id, default: []].append(record.entry) }
        return true
      }
      return entries
    }
  }

  private func compare(_ indexed: [PackID: [PackEntry]], _ moment: String, listsAll: Bool) {
    let packs = world.ledger.table.packs
    if listsAll, Set(indexed.keys) != Set(packs.keys) {
      world.violated("the index \(moment) lists other packs than there are")
    }
    for (id, entries) in indexed {
      guard let pack = packs[id] else { continue }
      let held = pack.copies.values.joined().map(\.entry).sorted { $0.offsetBytes < $1.offsetBytes }
      if held != entries.sorted(by: { $0.offsetBytes < $1.offsetBytes }) {
        world.violated("the index \(moment) says of pack \(id) what is not so")
      }
    }
  }
}
