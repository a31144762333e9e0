package import Workers

extension WorkPhase {
  package static let checkingPacks = WorkPhase("checking packs", in: .items)
  package static let checkingRevisions = WorkPhase("checking revisions", in: .items)
  /// Looking through revisions for what the other repository can give.
  package static let repairing = WorkPhase("repairing", in: .items)
}
