import ObjectStorage
import Synchronization

/// A store of objects as the protocol needs it, and no better: what has equal bytes has equal versions.
final class SimulatedObjectStore: ConditionalObjectStorage {
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

  private struct State {
    var pagingFlaw: PagingFlaw?
    var flawedPages = 0
    var areas: [ObjectArea: [String: VersionedBytes]] = [:]
    var versions: [[UInt8]: ObjectVersion] = [:]

    mutating func version(of bytes: [UInt8]) -> ObjectVersion {
      if let version = versions[bytes] { return version }
      let version = ObjectVersion("v\(versions.count)")
      versions[bytes] = version
      return version
    }
  }

  /// Small, so that things change between two pages.
  private static let pageLength = 3
  private let state = Mutex(State())

  var pagingFlaw: PagingFlaw? {
    get { state.withLock { $0.pagingFlaw } }
    set { state.withLock { $0.pagingFlaw = newValue } }
  }

  subscript(key: ObjectKey) -> VersionedBytes? { state.withLock { $0.areas[key.area]?[key.name] } }

  func names(_ area: ObjectArea) -> [String] {
    state.withLock { $0.areas[area]?.keys.sorted() ?? [] }
  }

  var packs: Set<ObjectKey> {
    [ObjectArea.dataPacks, .mapPacks].reduce(into: []) { packs, area in
      packs.formUnion(names(area).map { ObjectKey(area, $0) })
    }
  }

  /// Whatever is there.
  func put(_ bytes: [UInt8], as key: ObjectKey) {
    state.withLock {
      $0.areas[key.area, default: [:]][key.name] = VersionedBytes(bytes, $0.version(of: bytes))
    }
  }

  // MARK: the verbs

  func find(_ key: ObjectKey, limitBytes: Int) throws(StorageError) -> VersionedBytes? {
    let found = self[key]
    guard found?.bytes.count ?? 0 <= limitBytes else {
      throw StorageError(.tooLarge, at: "\(key)", cause: Refusal(description: "it is too large"))
    }
    return found
  }

  func put(
    _ bytes: [UInt8], as key: ObjectKey, if condition: PutCondition, age: Duration
  ) throws(StorageError) -> ObjectVersion? {
    guard key.area.admits(key.name) else {
      throw StorageError(.wrongKind, at: "\(key)", cause: Refusal(description: "not a name"))
    }
    return state.withLock { state in
      let found = state.areas[key.area]?[key.name]
      switch condition {
      case .absent where found != nil: return nil
      case .version(let version) where found?.version != version: return nil
      default: break
      }
      let version = state.version(of: bytes)
      state.areas[key.area, default: [:]][key.name] = VersionedBytes(bytes, version)
      return version
    }
  }

  func remove(_ key: ObjectKey) throws(StorageError) -> Bool {
    state.withLock { $0.areas[key.area]?.removeValue(forKey: key.name) != nil }
  }

  func page(of area: ObjectArea, after name: String) throws(StorageError) -> ObjectPage {
    // A client that never ends fails.
    let flawedPages = state.withLock { state in
      if state.pagingFlaw != nil { state.flawedPages += 1 }
      return state.flawedPages
    }
    guard flawedPages < 1000 else {
      throw StorageError(.other, at: "\(area)", cause: Refusal(description: "asked too often"))
    }
    let all = names(area)
    let rest = all.filter { $0 > name }
    let page = Array(rest.prefix(Self.pageLength))
    let hasMore = rest.count > Self.pageLength
    switch pagingFlaw {
    case nil: return ObjectPage(page, hasMore: hasMore)
    case .repeatsLast:
      return ObjectPage((name.isEmpty ? [] : [name]) + page.dropLast(), hasMore: hasMore)
    case .ignoresAfter: return ObjectPage(Array(all.prefix(Self.pageLength)), hasMore: true)
    case .unsorted: return ObjectPage(page.reversed(), hasMore: hasMore)
    case .emptyPage: return ObjectPage(name.isEmpty ? page : [], hasMore: true)
    case .endless: return ObjectPage((1...9).map { "\(name)\($0)" }, hasMore: true)
    }
  }
}

private struct Refusal: Error, CustomStringConvertible {
  let description: String
}

/// The exact name of an object that tests call `label`: the same order, and the form of the area's names.
func name(_ label: String, in area: ObjectArea = .revisions) -> String {
  let digits = label.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  let length = area == .sessions || area == .condemned ? 32 : 64
  return digits + String(repeating: "0", count: length - digits.utf8.count)
}

/// A clock that tests set.
final class SettableClock: Sendable {
  private let moment: Mutex<Duration>

  init(_ moment: Duration) { self.moment = Mutex(moment) }

  var now: Duration {
    get { moment.withLock { $0 } }
    set { moment.withLock { $0 = newValue } }
  }
}
