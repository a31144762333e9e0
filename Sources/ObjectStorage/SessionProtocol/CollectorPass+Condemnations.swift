extension CollectorPass {
  /// Takes over all condemnations, whoever made them.
  mutating func note(
    _ objects: [Snapshot.Object], at now: Duration
  ) throws(SessionProtocolError) {
    for object in objects {
      condemnations[object.name] = Condemnation(
        record: try CondemnationRecord(object.bytes, of: object.name), version: object.version)
    }
    noteDeleting(at: now)
  }

  private mutating func noteDeleting(at now: Duration) {
    let deleting = condemnations.filter { $0.value.record.state == .deleting }
    memory.deletingSince = deleting.keys.reduce(into: [:]) { since, name in
      since[name] = memory.deletingSince[name] ?? now
    }
  }

  mutating func nextOfCondemnations(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    switch (stage, outcome) {
    case (.absent, .objects(let objects)):
      try noteAbsent(objects, at: now)
      guard !condemnations.isEmpty else { return try tidy(at: now) }
      packsListed = now
      packs = []
      return try begin(.dataPacks, .listing(Listing(.dataPacks)), at: now)
    case (.dataPacks, .names(let names)):
      packs.formUnion(names.map { ObjectKey(.dataPacks, $0) })
      return try begin(.mapPacks, .listing(Listing(.mapPacks)), at: now)
    case (.mapPacks, .names(let names)):
      packs.formUnion(names.map { ObjectKey(.mapPacks, $0) })
      return try consider(at: now)
    case (.settling, .put(let outcome)):
      let (name, record) = settlements.removeLast()
      if case .stored(let version) = outcome {
        condemnations[name] = Condemnation(record: record, version: version)
      } else {
        condemnations[name] = nil
      }
      return try settleNext(at: now)
    case (.copying, .put):
      copies.removeLast()
      return try copyNext(at: now)
    case (.deleting, .removed):
      removals.removeLast()
      return try deleteNext(at: now)
    case (.removingCondemnation, .removed):
      condemned.remove(removals.removeLast().name)
      return try removeNextCondemnation(at: now)
    case (.tidying, .removed):
      removals.removeLast()
      return try tidyNext(at: now)
    default: preconditionFailure("CollectorPass asked for nothing like \(outcome)")
    }
  }

  /// What is condemned comes before the packs: a condemnation goes only after its packs are gone. Tombstones
  /// need to know the condemnations, too.
  mutating func listPacks(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    guard !condemnations.isEmpty || !forgottenBefore.isEmpty else { return try tidy(at: now) }
    return try begin(.absent, .snapshot(Snapshot(.condemned)), at: now)
  }

  /// What another collector has changed since this pass took it over is the next pass's: these roots may be from
  /// before its judgement.
  private mutating func noteAbsent(
    _ objects: [Snapshot.Object], at now: Duration
  ) throws(SessionProtocolError) {
    absentPacks = []
    condemned = Set(objects.map(\.name))
    var unchanged: [String: Condemnation] = [:]
    for object in objects {
      absentPacks.formUnion(try CondemnationRecord(object.bytes, of: object.name).packs)
      if let known = condemnations[object.name], known.version == object.version {
        unchanged[object.name] = known
      }
    }
    condemnations = unchanged
    noteDeleting(at: now)
  }

  /// Condemned, and no session that may rely on the packs is left: the roots were read after that.
  private var judgeable: [String: Condemnation] {
    condemnations.filter { name, condemnation in
      condemnation.record.state == .condemned && memory.awaited[name]?.isEmpty == true
    }
  }

  private var deleting: [String: Condemnation] {
    condemnations.filter { $0.value.record.state == .deleting }
  }

  private func packs(of chosen: [String: Condemnation]) -> Set<ObjectKey> {
    chosen.values.reduce(into: []) { $0.formUnion($1.record.packs) }
  }

  private func survey(_ chosen: [String: Condemnation]) -> CollectorSurvey {
    CollectorSurvey(
      roots: roots, usablePacks: packs.subtracting(absentPacks),
      packs: packs(of: chosen).intersection(packs))
  }

  private mutating func consider(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    if !isJudged, !judgeable.isEmpty { return .judge(survey(judgeable)) }
    guard !deleting.isEmpty, copyRounds < 3 else { return try tidy(at: now) }
    return .copy(survey(deleting))
  }

  /// Goes on after ``CollectorStep/judge(_:)``. Packs that are not pardoned are put into `deleting`: of that and
  /// another collector's judgement one wins.
  package mutating func judged(
    pardoned: Set<ObjectKey>, at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    isJudged = true
    for (name, condemnation) in judgeable.sorted(by: { $0.key > $1.key }) {
      let doomed = condemnation.record.packs.filter { !pardoned.contains($0) }
      settlements.append((name, CondemnationRecord(.deleting, freshNonce(), packs: doomed)))
    }
    return try settleNext(at: now)
  }

  private mutating func settleNext(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    guard let (name, record) = settlements.last, let condemnation = condemnations[name] else {
      return try listPacks(at: now)
    }
    let put = SettledPut(
      ObjectKey(.condemned, name), record.bytes, if: .version(condemnation.version))
    return try begin(.settling, .put(put), at: now)
  }

  /// Goes on after ``CollectorStep/copy(_:)``. When nothing has to be copied any more, the packs go.
  package mutating func sealed(
    _ packs: [SealedPack], at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    guard packs.isEmpty else {
      copies = packs
      return try copyNext(at: now)
    }
    removals = survey(deleting).packs.sorted { $0.name < $1.name }
    return try deleteNext(at: now)
  }

  /// Another collector may have condemned a copy before it was there. So all is looked at again afterwards.
  private mutating func copyNext(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    guard let pack = copies.last else {
      copyRounds += 1
      return try listPacks(at: now)
    }
    return try begin(.copying, .put(pack.put), at: now)
  }

  private mutating func deleteNext(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    if let key = removals.last {
      return try begin(.deleting, .remove(SettledRemove(key)), at: now)
    }
    removals = deleting.filter(isOver).keys.sorted().map { ObjectKey(.condemned, $0) }
    return try removeNextCondemnation(at: now)
  }

  /// Whether its packs are gone, and no put of one can arrive any more: they were sealed before they were
  /// condemned.
  private func isOver(_ name: String, _ condemnation: Condemnation) -> Bool {
    if condemnation.record.packs.isEmpty { return true }
    guard let since = memory.deletingSince[name] else { return false }
    return packsListed - since > times.delayBound
  }

  private mutating func removeNextCondemnation(
    at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    guard let key = removals.last else { return try tidy(at: now) }
    return try begin(.removingCondemnation, .remove(SettledRemove(key)), at: now)
  }
}
