/// Lists an area, page by page. A name that was there before the first page and still is after the last one is
/// in the outcome. Pages that contradict each other are an error: a list that lacks a name deletes content.
package struct Listing: Procedure {
  private let area: ObjectArea
  private let limit: Int
  private var names: [String] = []
  private var attempts = Attempts()

  /// `limit`: a list with more names than that never ends.
  package init(_ area: ObjectArea, limit: Int = 1 << 24) {
    self.area = area
    self.limit = limit
  }

  package mutating func start(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<[String]> {
    try attempts.count("\(area)")
    return .ask(StoreRequest(.list(area, after: names.last ?? ""), basis: now))
  }

  package mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<[String]> {
    switch answer {
    case .page(let page):
      try check(page)
      names += page.names
      attempts.restart()
      return try page.hasMore ? start(at: now) : .done(objects)
    case .unknown, .expired: return try start(at: now)
    default: throw .unexpected(answer, "\(area)")
    }
  }

  /// Whatever else lies there is none of the area's objects.
  private var objects: [String] { names.filter(area.admits) }

  private func check(_ page: ObjectPage) throws(SessionProtocolError) {
    var last = names.last ?? ""
    for name in page.names {
      guard last.utf8.lexicographicallyPrecedes(name.utf8) else {
        throw contradiction("'\(name)' follows '\(last)'")
      }
      last = name
    }
    if page.hasMore, page.names.isEmpty {
      throw contradiction("a page without names says that there are more")
    }
    guard names.count + page.names.count <= limit else {
      throw contradiction("it has more than \(limit) names")
    }
  }

  private func contradiction(_ cause: String) -> SessionProtocolError {
    SessionProtocolError(
      .unexpectedAnswer, "\(area)", "the store's list cannot be relied on: \(cause)")
  }
}

/// Lists an area and reads its objects. What goes between the list and its reading is left out.
package struct Snapshot: Procedure {
  package struct Object: Sendable {
    package let name: String
    package let bytes: [UInt8]
    package let version: ObjectVersion
  }

  private let area: ObjectArea
  private var listing: Listing?
  /// Those to be read, the next one last.
  private var names: [String] = []
  private var objects: [Object] = []
  private var attempts = Attempts()

  package init(_ area: ObjectArea) {
    self.area = area
  }

  package mutating func start(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<[Object]> {
    var listing = Listing(area)
    let step = try listing.start(at: now)
    self.listing = listing
    guard case .ask(let request) = step else { return .done([]) }
    return .ask(request)
  }

  package mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<[Object]> {
    if listing != nil {
      switch try listing?.take(answer, at: now) {
      case .ask(let request): return .ask(request)
      case .done(let names): self.names = names.reversed()
      case nil: break
      }
      listing = nil
      return try next(at: now)
    }
    switch answer {
    case .found(let bytes, let version):
      attempts.restart()
      objects.append(Object(name: names.removeLast(), bytes: bytes, version: version))
    case .notFound:
      attempts.restart()
      names.removeLast()
    case .unknown, .expired: break
    default: throw .unexpected(answer, "\(area)")
    }
    return try next(at: now)
  }

  private mutating func next(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<[Object]> {
    guard let name = names.last else { return .done(objects) }
    try attempts.count(ObjectKey(area, name))
    let limitBytes = StoreRequest.smallObjectBytes
    return .ask(StoreRequest(.read(ObjectKey(area, name), limitBytes: limitBytes), basis: now))
  }
}
