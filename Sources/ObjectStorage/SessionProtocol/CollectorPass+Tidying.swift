extension CollectorPass {
  /// Removes what only delayed requests and sessions needed.
  mutating func tidy(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    removals = orphans + tombstones(at: now)
    return try tidyNext(at: now)
  }

  mutating func tidyNext(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    guard let key = removals.last else { return .done(memory) }
    return try begin(.tidying, .remove(SettledRemove(key)), at: now)
  }

  /// Staged revisions whose session was gone when the sessions were listed, after them: a session is there
  /// before it stages.
  private var orphans: [StoreKey] {
    staged.filter { !listed.contains($0.value) }.keys.sorted().map { StoreKey(.staged, $0) }
  }

  /// Tombstones go when for the bound on delay no session could put the revision, and it is not there. Late
  /// `revisions/R` go at once.
  private mutating func tombstones(at now: Duration) -> [StoreKey] {
    let held = committed.union(pins)
    var clear: [String: Duration] = [:]
    var keys: [StoreKey] = []
    for revision in forgottenBefore.sorted() {
      if revisions.contains(revision) { keys.append(StoreKey(.revisions, revision)) }
      guard !held.contains(revision) else { continue }
      let since = memory.clearSince[revision] ?? now
      clear[revision] = since
      if revisionsListed - since > times.delayBound, !revisions.contains(revision) {
        keys.append(StoreKey(.forgotten, revision))
      }
    }
    memory.clearSince = clear
    return keys
  }
}
