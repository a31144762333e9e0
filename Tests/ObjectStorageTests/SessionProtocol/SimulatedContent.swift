import ObjectStorage

/// Chunks are numbers. A revision's document lists those that it needs, a pack those that it holds.
typealias Chunk = UInt8

/// What there is to know about packs and revisions besides the store: an index that is never wrong.
struct SimulatedContent {
  /// Whether every other pack is one of maps.
  var hasMapPacks = false
  private(set) var packs: [ObjectKey: Set<Chunk>] = [:]
  private var sealed = 0

  /// `isUnique` is what the nonce in a pack's header is for.
  mutating func seal(_ chunks: Set<Chunk>, at now: Duration, isUnique: Bool = true) -> SealedPack {
    sealed += 1
    let content = chunks.sorted()
    let key = ObjectKey(
      hasMapPacks && sealed % 2 == 0 ? .mapPacks : .dataPacks,
      name(isUnique ? "p\(sealed)" : content.map { "\($0)" }.joined(separator: "-")))
    packs[key] = chunks
    return SealedPack(key, bytes: (isUnique ? Array("\(sealed):".utf8) : []) + content, sealed: now)
  }

  func chunks(in keys: Set<ObjectKey>) -> Set<Chunk> {
    keys.reduce(into: []) { $0.formUnion(packs[$1] ?? []) }
  }

  /// What is needed of the packs in question, and in no usable pack.
  func needed(_ survey: CollectorSurvey, in keys: Set<ObjectKey>) -> Set<Chunk> {
    survey.roots.values.reduce(into: Set<Chunk>()) { $0.formUnion($1) }
      .intersection(chunks(in: keys)).subtracting(chunks(in: survey.usablePacks))
  }
}
