import ObjectStorage

/// Chunks are numbers. A revision's document lists those that it needs, a pack those that it holds.
typealias Chunk = UInt8

/// What there is to know about packs and revisions besides the store: an index that is never wrong.
struct SimulatedContent {
  private(set) var packs: [String: Set<Chunk>] = [:]
  private var sealed = 0

  /// `isUnique` is what the nonce in a pack's header is for.
  mutating func seal(_ chunks: Set<Chunk>, at now: Duration, isUnique: Bool = true) -> SealedPack {
    sealed += 1
    let content = chunks.sorted()
    let name = isUnique ? "p\(sealed)" : content.map { "\($0)" }.joined(separator: "-")
    packs[name] = chunks
    return SealedPack(
      name: name, bytes: (isUnique ? Array("\(sealed):".utf8) : []) + content, sealed: now)
  }

  func chunks(in names: Set<String>) -> Set<Chunk> {
    names.reduce(into: []) { $0.formUnion(packs[$1] ?? []) }
  }

  /// What is needed of the packs in question, and in no usable pack.
  func needed(_ survey: CollectorSurvey, in names: Set<String>) -> Set<Chunk> {
    survey.roots.values.reduce(into: Set<Chunk>()) { $0.formUnion($1) }
      .intersection(chunks(in: names)).subtracting(chunks(in: survey.usablePacks))
  }
}
