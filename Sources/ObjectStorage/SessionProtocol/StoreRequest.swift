/// What the protocol keeps in a store (session protocol, "Objects").
package enum StoreArea: String, Sendable, CaseIterable {
  case sessions
  case staged
  case revisions
  case forgotten
  case condemned
  case packs
}

/// The name of one object.
package struct StoreKey: Hashable, Sendable, CustomStringConvertible {
  package let area: StoreArea
  package let name: String

  package init(_ area: StoreArea, _ name: String) {
    self.area = area
    self.name = name
  }

  package var description: String { "\(area.rawValue)/\(name)" }
}

/// What a store calls the content of an object at one moment, such as an ETag. Equal bytes may have equal
/// versions.
package struct StoreVersion: Hashable, Sendable {
  package let text: String

  package init(_ text: String) {
    self.text = text
  }
}

/// When a put is to be applied.
package enum PutCondition: Hashable, Sendable {
  /// No object has the name.
  case absent
  /// The object exists and has this version.
  case version(StoreVersion)
}

/// One request to a store without locks.
package struct StoreRequest: Sendable {
  package enum Action: Sendable {
    case put(StoreKey, [UInt8], if: PutCondition)
    case read(StoreKey)
    /// The names after `after`, in order; a page at a time.
    case list(StoreArea, after: String)
    case remove(StoreKey)
  }

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
  case stored(StoreVersion)
  /// A put was not applied, since its condition did not hold.
  case conditionFailed
  /// An object was read.
  case found([UInt8], StoreVersion)
  /// No object has the name; also the answer to removing it.
  case notFound
  /// Names in order, and whether there may be more after the last.
  case page([String], more: Bool)
  case removed
  /// The request came too late and was not applied.
  case expired
  /// No answer: a change may have been applied, may be applied until the bound on delay, or never.
  case unknown
}
