extension CollectorPass {
  /// Looks at all sessions: what each is, and since when it has been so.
  mutating func watch(
    _ objects: [Snapshot.Object], at now: Duration
  ) throws(SessionProtocolError) {
    var sights: [String: CollectorMemory.Sight] = [:]
    for object in objects {
      let record = try SessionObject(object.bytes, of: object.name)
      listed.insert(object.name)
      var sight = CollectorMemory.Sight(version: object.version, since: now)
      if let before = memory.sessions[object.name], before.version == object.version {
        sight = before
      }
      sights[object.name] = sight
      switch record.state {
      case .committed(let revision):
        committed.insert(revision)
        sessionTasks.append(.complete(object.name))
      case .fenced: sessionTasks.append(.remove(object.name))
      case .active:
        active[object.name] = record
        // Whether it is unchanged at this moment, the put finds out: it has a condition.
        if now - sight.since >= times.term {
          sessionTasks.append(.fence(object.name, record.role, object.version))
        }
      }
    }
    memory.sessions = sights
  }

  mutating func settleNextSession(
    at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    switch sessionTasks.last {
    case .complete(let name):
      return try begin(.settlingSession, .complete(CompleteSession(name)), at: now)
    case .remove(let name):
      sessionTasks.removeLast()
      return try begin(
        .removingSession, .remove(SettledRemove(ObjectKey(.sessions, name))), at: now)
    case .fence(let name, let role, let version):
      let record = SessionObject(.fenced, role, freshNonce())
      let put = SettledPut(ObjectKey(.sessions, name), record.bytes, if: .version(version))
      return try begin(.settlingSession, .put(put), at: now)
    case nil:
      awaitSessions()
      revisionsListed = now
      return try begin(.revisions, .snapshot(Snapshot(.revisions)), at: now)
    }
  }

  /// A session was completed, or a fence met it.
  mutating func settled(
    _ outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    guard case .fence(let name, _, _) = sessionTasks.popLast(), case .put(let put) = outcome else {
      return try settleNextSession(at: now)
    }
    switch put {
    case .stored:
      active[name] = nil
      sessionTasks.append(.remove(name))
    case .absent: active[name] = nil
    case .other(let bytes, _):
      let record = try SessionObject(bytes, of: name)
      switch record.state {
      case .active: active[name] = record
      case .fenced:
        active[name] = nil
        sessionTasks.append(.remove(name))
      case .committed(let revision):
        active[name] = nil
        committed.insert(revision)
        sessionTasks.append(.complete(name))
      }
    }
    return try settleNextSession(at: now)
  }

  /// The sessions were listed after the condemnations were there. So those that are not in this list know of
  /// them, and do not use their packs.
  private mutating func awaitSessions() {
    let writing = Set(active.filter { $0.value.role == .writing }.keys)
    memory.awaited = condemnations.keys.reduce(into: [:]) { awaited, name in
      awaited[name] = memory.awaited[name]?.intersection(writing) ?? writing
    }
  }
}
