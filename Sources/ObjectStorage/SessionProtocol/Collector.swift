/// The two lengths of time that the protocol needs; the same for all clients of a repository.
package struct ProtocolTimes: Sendable {
  /// How long a session stays unchanged until a collector may fence it. Owners renew several times in it.
  package let term: Duration
  /// The longest time from a request's basis to its arrival. Includes what the store allows clocks to differ.
  package let delayBound: Duration

  package init(term: Duration, delayBound: Duration) {
    self.term = term
    self.delayBound = delayBound
  }
}

/// What a collector remembers from one pass to the next. All times are of its own monotonic clock. One that is
/// restarted begins with nothing, and only waits longer.
package struct CollectorMemory: Sendable {
  struct Sight: Sendable {
    let version: ObjectVersion
    /// When it was seen for the first time.
    let since: Duration
  }

  /// No session can bring a forgotten revision back any more, nor pin it.
  struct Clearance: Sendable {
    let since: Duration
    /// Condemnations from before that are still there. A collector that read its sessions before may be
    /// about to look for the tombstone, and then carry one of them out.
    var condemnations: Set<String>
  }

  var sessions: [String: Sight] = [:]
  /// By condemnation: the writing sessions that were active after it was there.
  var awaited: [String: Set<String>] = [:]
  /// By condemnation: since when it is seen in `deleting`.
  var deletingSince: [String: Duration] = [:]
  /// By forgotten revision: what its tombstone still waits for.
  var clearances: [String: Clearance] = [:]

  package init() {}
}

/// What a pass found, for the caller to mark what is needed.
package struct CollectorSurvey: Sendable {
  /// Everything to be kept, by name: revisions, committed ones, and those that a session pins.
  package let roots: [String: [UInt8]]
  /// Packs whose records count. Others may be gone at any time.
  package let usablePacks: Set<ObjectKey>
  /// The packs in question.
  package let packs: Set<ObjectKey>
}

/// A pack ready to be put. Its name is the hash of its bytes, which hold a nonce.
package struct SealedPack: Sendable {
  package let key: ObjectKey
  package let bytes: [UInt8]
  /// When it was sealed. All puts of a pack count from then, so that its name never comes back later.
  package let sealed: Duration

  package init(_ key: ObjectKey, bytes: [UInt8], sealed: Duration) {
    self.key = key
    self.bytes = bytes
    self.sealed = sealed
  }

  /// If the outcome is `absent`, the same pack may be put again; after the bound on delay only a new one.
  package var put: SettledPut {
    SettledPut(key, bytes, if: .absent, basis: sealed)
  }
}

package enum CollectorStep {
  case ask(StoreRequest)
  /// Which of the packs hold something that is needed and in no usable pack, and shall not be rewritten?
  /// Goes on with ``CollectorPass/judged(pardoned:at:)``.
  case judge(CollectorSurvey)
  /// Seal new packs for all that is needed, in one of the packs and in no usable pack. Goes on with
  /// ``CollectorPass/sealed(_:at:)``.
  case copy(CollectorSurvey)
  case done(CollectorMemory)
}
