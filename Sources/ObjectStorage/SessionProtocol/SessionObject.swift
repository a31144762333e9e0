/// What a session may do.
package enum SessionRole: UInt8, Sendable {
  /// It stores packs and may commit a revision: a collector waits for it.
  case writing = 1
  /// It pins revisions only: a collector never waits for it.
  case reading = 2
}

/// The object `sessions/ID`.
///
/// ```
/// offset size
///      0    4  VSES
///      4    1  version of the format, 1
///      5    1  state: 1 active, 2 committed, 3 fenced
///      6    1  role: 1 writing, 2 reading
///      7   20  nonce
///     27       active: number of pins (4), each a text; committed: the revision, a text
/// ```
package struct SessionObject: Equatable, Sendable {
  package enum State: Equatable, Sendable {
    /// It runs, and keeps these revisions.
    case active(pinned: [String])
    /// The revision exists, although it may not be in `revisions/` yet.
    case committed(String)
    /// It can never commit.
    case fenced
  }

  package let state: State
  package let role: SessionRole
  package let nonce: Nonce

  private static let magic: StaticString = "VSES"

  package init(_ state: State, _ role: SessionRole, _ nonce: Nonce) {
    self.state = state
    self.role = role
    self.nonce = nonce
  }

  package init(_ bytes: [UInt8], of session: String) throws(SessionProtocolError) {
    var decoder = try RecordDecoder(bytes, magic: Self.magic, of: ObjectKey(.sessions, session))
    let kind = try decoder.byte()
    guard let role = SessionRole(rawValue: try decoder.byte()) else {
      throw decoder.damaged("its role is unknown")
    }
    self.role = role
    nonce = try decoder.nonce()
    switch kind {
    case 1: state = .active(pinned: try decoder.names(in: .revisions))
    case 2: state = .committed(try decoder.name(in: .revisions))
    case 3: state = .fenced
    default: throw decoder.damaged("its state is unknown")
    }
    try decoder.end()
  }

  package var bytes: [UInt8] {
    let kind: UInt8 =
      switch state {
      case .active: 1
      case .committed: 2
      case .fenced: 3
      }
    var encoder = RecordEncoder(magic: Self.magic)
    encoder.append(byte: kind)
    encoder.append(byte: role.rawValue)
    encoder.append(nonce)
    switch state {
    case .active(let pinned): encoder.append(pinned)
    case .committed(let revision): encoder.append(revision)
    case .fenced: break
    }
    return encoder.bytes
  }
}
