package import Workers

extension WorkPhase {
  /// Marking the records that revisions need.
  package static let marking = WorkPhase("marking", in: .items)
  /// Copying needed records out of packs that will be deleted.
  package static let compacting = WorkPhase("compacting", in: .bytes)
  /// Deleting packs.
  package static let deleting = WorkPhase("deleting", in: .items)
}
