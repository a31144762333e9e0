import Synchronization

/// Remembers which content an export name stands for, for clients that may rely on it.
/// `web01@latest` stands for another disk after the next backup, and a client that reconnects by
/// itself must not mix the two disks.
///
/// ```
/// a connection enters an export    held: applies to further connections of the same client
/// it ends with NBD_CMD_DISC        the name has its usual meaning again
/// it breaks after a transfer       lost: kept for clients that connect from the same place, until
///                                  one of them ends in good order or the server stops
/// ```
final class KeptNames: Sendable {
  /// The limit for names of broken connections. Beyond it, the oldest name is forgotten.
  private static let limit = 4096

  /// A client's use of a name.
  struct Use: Hashable, Sendable {
    let client: ClientIdentity
    let name: String
    /// The name that always stands for this content.
    let canonicalName: String

    fileprivate var holder: Holder { Holder(client: client, name: name) }
    /// The identity without the process, because a client may reconnect from another process.
    fileprivate var place: Holder { Holder(client: client.withoutProcess, name: name) }
  }

  fileprivate struct Holder: Hashable {
    let client: ClientIdentity
    let name: String
  }

  private struct State {
    var held: [Holder: [Use: Int]] = [:]
    var lost: [Holder: Set<String>] = [:]
    /// Keys of ``lost``, oldest first.
    var order: [Holder] = []

    mutating func lose(_ use: Use) {
      if lost[use.place] == nil { order.append(use.place) }
      lost[use.place, default: []].insert(use.canonicalName)
      if order.count > KeptNames.limit { lost[order.removeFirst()] = nil }
    }

    mutating func find(_ use: Use) {
      lost[use.place]?.remove(use.canonicalName)
      guard lost[use.place]?.isEmpty == true else { return }
      lost[use.place] = nil
      order.removeAll { $0 == use.place }
    }
  }

  private let state = Mutex(State())

  /// Returns the canonical name that `name` must stand for, if the client relies on one. Nil if the
  /// name has its usual meaning.
  ///
  /// - Throws: ``NoSuchExport`` if several clients at this address lost connections to different
  ///   content. Then the server cannot know which of them this client is.
  func meaning(of name: String, to client: ClientIdentity) throws(NoSuchExport) -> String? {
    let holder = Holder(client: client, name: name)
    let place = Holder(client: client.withoutProcess, name: name)
    let (held, lost) = state.withLock { (Set(($0.held[holder] ?? [:]).keys), $0.lost[place] ?? []) }
    let meanings = lost.union(held.map(\.canonicalName))
    guard meanings.count <= 1 else {
      throw NoSuchExport(
        "'\(name)' was \(meanings.sorted().joined(separator: " and ")) for clients at this address "
          + "whose connections broke; name the revision by its id")
    }
    return meanings.first
  }

  func entered(_ use: Use) {
    guard use.name != use.canonicalName else { return }
    state.withLock { $0.held[use.holder, default: [:]][use, default: 0] += 1 }
  }

  /// Ends a use of a name.
  ///
  /// - Parameter isOrderly: whether the client will certainly not reconnect for the same content.
  func left(_ use: Use, isOrderly: Bool) {
    guard use.name != use.canonicalName else { return }
    state.withLock { state in
      let count = (state.held[use.holder]?[use] ?? 1) - 1
      state.held[use.holder]?[use] = count > 0 ? count : nil
      if state.held[use.holder]?.isEmpty == true { state.held[use.holder] = nil }
      if isOrderly { state.find(use) } else { state.lose(use) }
    }
  }
}
