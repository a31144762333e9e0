import ObjectStorage

/// A store of objects as the protocol needs it, and no better: what has equal bytes has equal versions.
struct SimulatedObjectStore {
  struct Object {
    let bytes: [UInt8]
    let version: StoreVersion
  }

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
      let rest = names(area).filter { $0 > after }
      return .page(Array(rest.prefix(pageSize)), more: rest.count > pageSize)
    case .remove(let key):
      guard areas[key.area]?.removeValue(forKey: key.name) != nil else { return .notFound }
      return .removed
    }
  }

  private mutating func version(of bytes: [UInt8]) -> StoreVersion {
    if let version = versions[bytes] { return version }
    let version = StoreVersion("v\(versions.count)")
    versions[bytes] = version
    return version
  }
}
