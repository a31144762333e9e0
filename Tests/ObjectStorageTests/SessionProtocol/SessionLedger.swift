import ObjectStorage

/// What has to hold, whatever happens.
struct SessionLedger {
  /// What each revision that was ever staged needs.
  var documents: [String: [Chunk]] = [:]
  /// Their writers were told that they are committed.
  var promised: Set<String> = []
  /// Somebody has begun to forget them.
  var forgetting: Set<String> = []
  /// They must not exist, and why.
  var excluded: [String: String] = [:]
  /// By session: what a reader relies on.
  var reading: [String: [Chunk]] = [:]
  /// By session: the revision that it has committed, while it is there.
  private(set) var committed: [String: String] = [:]
  private var changed: [String: Int] = [:]
  var violations: [String] = []

  mutating func notePut(_ key: ObjectKey, _ bytes: [UInt8], at time: Int, isCollector: Bool) {
    guard key.area == .sessions, let record = try? SessionObject(bytes, of: key.name) else {
      return
    }
    if case .fenced = record.state, isCollector, let before = changed[key.name],
      time - before < SessionSimulation.term
    {
      violations.append("\(key) is fenced although it was renewed \(time - before) ago")
    }
    changed[key.name] = time
    committed[key.name] = nil
    if case .committed(let revision) = record.state { committed[key.name] = revision }
  }

  func exists(_ revision: String, _ store: SimulatedObjectStore) -> Bool {
    guard store[ObjectKey(.forgotten, revision)] == nil else { return false }
    return store[ObjectKey(.revisions, revision)] != nil
      || committed.contains { $0.value == revision && store[ObjectKey(.sessions, $0.key)] != nil }
  }

  func needed(_ store: SimulatedObjectStore) -> Set<Chunk> {
    documents.reduce(into: []) { needed, revision in
      if exists(revision.key, store) { needed.formUnion(revision.value) }
    }
  }

  mutating func check(_ store: SimulatedObjectStore, chunks: Set<Chunk>) {
    for (revision, document) in documents {
      if exists(revision, store) {
        if !chunks.isSuperset(of: document) {
          violations.append(
            "\(revision) needs \(document) and only \(chunks.sorted()) are there")
        }
        if let reason = excluded[revision] {
          violations.append("\(revision) exists, but \(reason)")
        }
      } else if promised.contains(revision), !forgetting.contains(revision) {
        violations.append("\(revision) is lost; its writer was told that it is committed")
      }
    }
    for (session, document) in reading where !chunks.isSuperset(of: document) {
      guard let object = store[ObjectKey(.sessions, session)],
        let record = try? SessionObject(object.bytes, of: session), case .active = record.state
      else { continue }
      violations.append("\(session) reads \(document) and only \(chunks.sorted()) are there")
    }
  }
}
