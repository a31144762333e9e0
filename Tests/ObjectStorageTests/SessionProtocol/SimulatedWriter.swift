import ObjectStorage

/// A backup: begins a session, perhaps on a parent whose chunks it takes over unread; uses packs that it finds;
/// stores the rest; commits.
final class SimulatedWriter: SimulatedClient {
  private lazy var revision = ObjectStorageTests.name("r-\(name)")
  private var chunks: Set<Chunk> = []
  private var missing: Set<Chunk> = []
  private var handle: SessionHandle?
  private var absent: Set<ObjectKey> = []

  override func begin() throws -> Turn {
    let parent = world.flip(60) ? world.anyRevision() : nil
    let begin = BeginSession(
      .writing, pinning: parent.map { [$0] } ?? [], nonce: nonce())
    return try run(begin) { try self.begun($0, parent) }
  }

  private func begun(_ outcome: BeginSession.Outcome, _ parent: String?) throws -> Turn {
    handle = outcome.session
    absent = outcome.view.absentPacks
    if let parent, let document = outcome.view.pinned[parent] { chunks = Set(document.prefix(2)) }
    let wanted = Set((0..<3).map { _ in world.chunk() })
    missing = wanted.subtracting(chunks)
    chunks.formUnion(wanted)
    return try run(Listing(.dataPacks)) { dataPacks in
      try self.run(Listing(.mapPacks)) { mapPacks in
        let packs = dataPacks.map { ObjectKey(.dataPacks, $0) }
        return try self.reuse(Set(packs + mapPacks.map { ObjectKey(.mapPacks, $0) }))
      }
    }
  }

  private func reuse(_ packs: Set<ObjectKey>) throws -> Turn {
    missing.subtract(world.content.chunks(in: packs.subtracting(absent)))
    return missing.isEmpty ? try commitOrNot() : try store(seal())
  }

  private func seal() -> SealedPack {
    world.content.seal(missing, at: now)
  }

  private func store(_ pack: SealedPack) throws -> Turn {
    try run(pack.put) { outcome in
      guard case .absent = outcome else { return try self.commitOrNot() }
      let isOld = self.now - pack.sealed > self.world.times.delayBound / 2
      return try self.store(isOld ? self.seal() : pack)
    }
  }

  private func commitOrNot() throws -> Turn {
    guard let handle else { return .end }
    if world.flip(40) {
      let rest = world.number(1...world.ticks(of: world.times.term) / 2)
      return .rest(rest) {
        try self.run(ChangeSession.renewal(of: handle, nonce: self.nonce())) { outcome in
          guard case .changed(let handle) = outcome else { return .end }
          self.handle = handle
          return try self.commitOrNot()
        }
      }
    }
    if world.flip(8) { return try run(EndSession(handle, nonce: nonce())) { _ in .end } }
    return try commit(handle)
  }

  private func commit(_ handle: SessionHandle) throws -> Turn {
    let document = chunks.sorted()
    world.staged(revision, document)
    let commit = CommitSession(handle, revision: revision, document: document, nonce: nonce())
    return try run(commit) { outcome in
      switch outcome {
      case .committed: self.world.promise(self.revision)
      case .fenced: self.world.exclude(self.revision, "its writer was told that it was fenced")
      }
      return self.world.flip(30) ? .end : try self.run(CompleteSession(handle.id)) { .end }
    }
  }
}

/// A restore or a server: pins a revision, and relies on it while the session is active.
final class SimulatedReader: SimulatedClient {
  override func begin() throws -> Turn {
    guard let revision = world.anyRevision() else { return .end }
    let begin = BeginSession(.reading, pinning: [revision], nonce: nonce())
    return try run(begin) { outcome in
      let (handle, pinned) = (outcome.session, outcome.view.pinned)
      if let document = pinned[revision] { self.world.reads(handle.id, document) }
      return try self.serve(handle, rounds: pinned.isEmpty ? 0 : self.world.number(1...5))
    }
  }

  private func serve(_ handle: SessionHandle, rounds: Int) throws -> Turn {
    guard rounds > 0 else {
      world.stopsReading(handle.id)
      return try run(EndSession(handle, nonce: nonce())) { _ in .end }
    }
    return .rest(world.number(1...world.ticks(of: world.times.term) / 2)) {
      try self.run(ChangeSession.renewal(of: handle, nonce: self.nonce())) { outcome in
        guard case .changed(let handle) = outcome else { return .end }
        return try self.serve(handle, rounds: rounds - 1)
      }
    }
  }
}

/// Lists the revisions, completing what is committed, and forgets one.
final class SimulatedForgetter: SimulatedClient {
  override func begin() throws -> Turn {
    .rest(world.number(0...80)) {
      try self.run(ListRevisions()) { revisions in
        guard !revisions.isEmpty else { return .end }
        let revision = revisions[self.world.number(0...revisions.count - 1)]
        self.world.forgets(revision)
        return try self.run(ForgetRevision(revision)) { outcome in
          if case .forgotten = outcome {
            self.world.exclude(revision, "it was forgotten")
          }
          return .end
        }
      }
    }
  }
}
