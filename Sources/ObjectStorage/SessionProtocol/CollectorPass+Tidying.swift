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
  private var orphans: [ObjectKey] {
    staged.filter { !listed.contains($0.value) }.keys.sorted().map { ObjectKey(.staged, $0) }
  }

  /// Tombstones go when for the bound on delay no session could put the revision, it is not there, and the
  /// condemnations from before are gone: another collector that judges one may be reading its roots, however
  /// long it sleeps. Late `revisions/R` go at once.
  private mutating func tombstones(at now: Duration) -> [ObjectKey] {
    let held = committed.union(pins)
    var clearances: [String: CollectorMemory.Clearance] = [:]
    var keys: [ObjectKey] = []
    for revision in forgottenBefore.sorted() {
      if revisions.contains(revision) { keys.append(ObjectKey(.revisions, revision)) }
      guard !held.contains(revision) else { continue }
      var clearance = memory.clearances[revision] ?? .init(since: now, condemnations: condemned)
      clearance.condemnations.formIntersection(condemned)
      clearances[revision] = clearance
      if revisionsListed - clearance.since > times.delayBound, clearance.condemnations.isEmpty,
        !revisions.contains(revision)
      {
        keys.append(ObjectKey(.forgotten, revision))
      }
    }
    memory.clearances = clearances
    return keys
  }
}
