package import Workers

extension WorkPhase {
  package static let checkingPacks = WorkPhase("checking packs", in: .items)
  package static let checkingRevisions = WorkPhase("checking revisions", in: .items)
  /// Searching revisions for content that the other repository can provide.
  package static let repairing = WorkPhase("repairing", in: .items)
}
