import ChunkFormat
import ChunkStore
import Remedies

/// The packs to delete: packs without needed records, packs that are mostly garbage, and small
/// packs to merge into larger ones.
///
/// Packs that are already condemned may be among them: the collector that condemned them may have
/// died before it copied the needed records.
struct CollectionPlan {
  private(set) var dead: [PackUse] = []
  /// The packs to rewrite: first those with the greatest share of garbage, then the small ones.
  private(set) var rewritten: [PackUse] = []
  /// How many of the rewritten packs are rewritten only because they are small.
  private(set) var merged = 0
  /// How many further packs are worth rewriting, but exceed the limit.
  private(set) var postponed = 0
  let storeBytes: UInt64

  init(_ survey: Survey, _ settings: CollectionSettings) {
    storeBytes = survey.packs.map(\.lengthBytes).saturatingSum()
    dead = survey.packs.filter { $0.neededRecords == 0 }
    let needed = survey.packs.filter { $0.neededRecords > 0 }
    let wasteful = needed.filter {
      Double($0.deadBytes) > Double($0.lengthBytes) * settings.leastDeadShare
    }.sorted { $0.deadShare > $1.deadShare }
    var candidates = wasteful
    let chosen = Set(wasteful.map(\.id))
    for kind in PackKind.allCases {
      let others = needed.filter { $0.kind == kind && !chosen.contains($0.id) }
      candidates += Self.small(others, settings)
    }
    var room = settings.copiedBytesLimit ?? .max
    for pack in candidates {
      if pack.neededBytes <= room {
        room -= pack.neededBytes
        rewritten.append(pack)
        if !chosen.contains(pack.id) { merged += 1 }
      } else {
        postponed += 1
      }
    }
  }

  /// Returns the small packs, the smallest first, if there are enough to merge.
  private static func small(_ packs: [PackUse], _ settings: CollectionSettings) -> [PackUse] {
    let small = packs.filter { $0.lengthBytes < settings.smallPackBytes }
      .sorted { $0.lengthBytes < $1.lengthBytes }
    return small.count >= settings.leastSmallPacks ? small : []
  }

  /// The packs to condemn now.
  var condemned: [(id: PackID, kind: PackKind)] {
    (dead + rewritten).filter { !$0.isCondemned }.map { ($0.id, $0.kind) }
  }

  /// Checks how much of the store would be deleted.
  ///
  /// - Throws: ``CollectionError`` with `.largeShare` if it is most of the store: a user who has
  ///   lost the list of revisions must not lose the packs as well.
  func check(_ settings: CollectionSettings) throws(CollectionError) {
    // Packs that are already condemned were counted when they were condemned.
    let going =
      dead.filter { !$0.isCondemned }.map(\.lengthBytes).saturatingSum()
      .saturatingAdding(
        rewritten.filter { !$0.isCondemned }.map(\.deadBytes).saturatingSum())
    guard !settings.allowsLargeShare,
      Double(going) > Double(storeBytes) * CollectionSettings.usualShare
    else { return }
    throw CollectionError(
      .largeShare,
      "nothing was deleted: this would free \(going * 100 / max(1, storeBytes)) % of the repository, "
        + "\(going) of \(storeBytes) bytes",
      remedy: .confirmLargeShare)
  }
}

extension PackUse {
  var deadShare: Double { Double(deadBytes) / Double(max(1, lengthBytes)) }
}
