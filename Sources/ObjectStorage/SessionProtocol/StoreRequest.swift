/// One request to a store without locks.
package struct StoreRequest: Sendable {
  package enum Action: Sendable {
    case put(ObjectKey, [UInt8], if: PutCondition)
    case read(ObjectKey, limitBytes: Int)
    /// The names after `after`, in order; a page at a time.
    case list(ObjectArea, after: String)
    case remove(ObjectKey)
  }

  /// No object that a verb reads is longer, and none that it puts but packs.
  package static let smallObjectBytes = 64 << 20

  package let action: Action

  /// The moment on the client's own clock from which the request counts its age. The store refuses a request
  /// that arrives later than the bound on delay after it, whatever kept it: the network, or the client, which
  /// may sleep between a decision and its request. So a request is as old as the observation it relies on.
  package let basis: Duration

  package init(_ action: Action, basis: Duration) {
    self.action = action
    self.basis = basis
  }
}

/// What a store answered.
package enum StoreAnswer: Sendable {
  /// A put was applied, durably.
  case stored(ObjectVersion)
  /// A put was not applied, since its condition did not hold.
  case conditionFailed
  /// An object was read.
  case found([UInt8], ObjectVersion)
  /// No object has the name; also the answer to removing it.
  case notFound
  /// Names in order, and whether there may be more after the last.
  case page(ObjectPage)
  case removed
  /// The request came too late and was not applied.
  case expired
  /// No answer: a change may have been applied, may be applied until the bound on delay, or never.
  case unknown
}
