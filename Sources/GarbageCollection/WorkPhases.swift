package import Workers

extension WorkPhase {
  /// Marking records that revisions need.
  package static let marking = WorkPhase("marking", in: .items)
  /// Copying what is needed out of packs that are to go.
  package static let compacting = WorkPhase("compacting", in: .bytes)
  /// Deleting packs.
  package static let deleting = WorkPhase("deleting", in: .items)
}
