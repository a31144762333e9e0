/// What the owner of an active session knows of it.
package struct SessionHandle: Sendable {
  package internal(set) var id: String
  package let role: SessionRole
  package let pinned: [String]
  /// The newest version that the owner has seen.
  package internal(set) var version: ObjectVersion

  var key: ObjectKey { ObjectKey(.sessions, id) }

  func active(_ nonce: Nonce) -> SessionObject {
    SessionObject(.active(pinned: pinned), role, nonce)
  }
}

/// Begins a session: puts its object, then looks at what it pins and at what is condemned.
///
/// The order matters. A revision counts as pinned only when it was found after the session was there, and
/// content may be reused only from packs that were condemned neither then nor later: a collector waits for
/// the sessions that it finds after it has condemned.
///
/// Each attempt has a name of its own, so a session is put once. If it were put again, a late put could bring
/// it back after it was fenced and removed, and its owner would take that for the session that it lost.
package struct BeginSession: ComposedProcedure {
  package struct Outcome: Sendable {
    package let session: SessionHandle
    package let view: SessionView
  }

  /// What holds while the session is active.
  package struct SessionView: Sendable {
    /// The pinned revisions that exist, and their bytes. To others the session gives no protection.
    package fileprivate(set) var pinned: [String: [UInt8]] = [:]
    /// Packs to be treated as absent. Others may be used when they are seen to exist after this.
    package fileprivate(set) var absentPacks: Set<ObjectKey> = []
  }

  package var work: Work?
  private var handle: SessionHandle
  private var nonce: Nonce
  private var view = SessionView()
  /// The pins to be looked at, the next one last.
  private var pins: [String]
  private var attempts = Attempts()

  /// The session's name comes from `nonce`.
  package init(_ role: SessionRole, pinning pinned: [String] = [], nonce: Nonce) {
    handle = SessionHandle(id: nonce.name, role: role, pinned: pinned, version: ObjectVersion(""))
    self.nonce = nonce
    pins = pinned.reversed()
  }

  package mutating func first(at now: Duration) throws(SessionProtocolError) -> NextWork<Outcome> {
    try attempts.count(handle.key)
    handle.id = nonce.name
    return .work(.put(SettledPut(handle.key, handle.active(nonce).bytes, if: .absent)))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch outcome {
    case .put(.stored(let version)):
      handle.version = version
      return lookAtNextPin()
    // Whatever becomes of this attempt: if it arrives, it is a session without an owner. Or it is fenced already.
    case .put:
      nonce = nonce.nextName
      return try first(at: now)
    case .revision(let outcome):
      let pin = pins.removeLast()
      if case .found(let document) = outcome { view.pinned[pin] = document }
      return lookAtNextPin()
    case .objects(let objects):
      for object in objects {
        view.absentPacks.formUnion(try CondemnationRecord(object.bytes, of: object.name).packs)
      }
      return .done(Outcome(session: handle, view: view))
    default: preconditionFailure("BeginSession asked for nothing like \(outcome)")
    }
  }

  private func lookAtNextPin() -> NextWork<Outcome> {
    guard let pin = pins.last else { return .work(.snapshot(Snapshot(.condemned))) }
    return .work(.lookUp(LookUpRevision(pin)))
  }
}
