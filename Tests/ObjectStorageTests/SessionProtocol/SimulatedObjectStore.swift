import ObjectStorage

/// A store of objects as the protocol needs it, and no better: what has equal bytes has equal versions.
struct SimulatedObjectStore {
  struct Object {
    let bytes: [UInt8]
    let version: StoreVersion
  }

  /// How a store may get its pages wrong.
  enum PagingFlaw: CaseIterable {
    /// The last name of a page is the first one of the next.
    case repeatsLast
    /// Each page is the first one.
    case ignoresAfter
    /// Names are not in order.
    case unsorted
    /// A page without names says that there are more.
    case emptyPage
    /// Each page has new names, for ever.
    case endless
  }

  var pagingFlaw: PagingFlaw?
  /// Small, so that things change between two pages.
  var pageSize = 3
  private(set) var areas: [StoreArea: [String: Object]] = [:]
  private var versions: [[UInt8]: StoreVersion] = [:]

  subscript(key: StoreKey) -> Object? { areas[key.area]?[key.name] }

  func names(_ area: StoreArea) -> [String] { areas[area]?.keys.sorted() ?? [] }

  mutating func apply(_ action: StoreRequest.Action) -> StoreAnswer {
    switch action {
    case .put(let key, let bytes, let condition):
      switch condition {
      case .absent where self[key] != nil: return .conditionFailed
      case .version(let version) where self[key]?.version != version: return .conditionFailed
      default: break
      }
      let version = version(of: bytes)
      areas[key.area, default: [:]][key.name] = Object(bytes: bytes, version: version)
      return .stored(version)
    case .read(let key):
      guard let object = self[key] else { return .notFound }
      return .found(object.bytes, object.version)
    case .list(let area, let after):
      return page(of: area, after: after)
    case .remove(let key):
      guard areas[key.area]?.removeValue(forKey: key.name) != nil else { return .notFound }
      return .removed
    }
  }

  private func page(of area: StoreArea, after: String) -> StoreAnswer {
    let all = names(area)
    let rest = all.filter { $0 > after }
    let page = Array(rest.prefix(pageSize))
    let more = rest.count > pageSize
    switch pagingFlaw {
    case nil: return .page(page, more: more)
    case .repeatsLast:
      return .page((after.isEmpty ? [] : [after]) + page.dropLast(), more: more)
    case .ignoresAfter: return .page(Array(all.prefix(pageSize)), more: true)
    case .unsorted: return .page(page.reversed(), more: more)
    case .emptyPage: return .page(after.isEmpty ? page : [], more: true)
    case .endless: return .page((1...9).map { "\(after)\($0)" }, more: true)
    }
  }

  private mutating func version(of bytes: [UInt8]) -> StoreVersion {
    if let version = versions[bytes] { return version }
    let version = StoreVersion("v\(versions.count)")
    versions[bytes] = version
    return version
  }
}
